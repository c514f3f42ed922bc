"""Telling people that something needs them."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

import structlog
from django.conf import settings
from django.utils import timezone

from infra_shared.models import OutboxMessage
from infra_shared.scrubbing import scrub_text
from infra_shared.services import outbox

_log = structlog.get_logger(__name__)


class Severity(StrEnum):
    """How much it matters."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


_LEVELS = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "error"}


def alert(  # noqa: PLR0913 - an alert has that many parts
    *,
    key: str,
    title: str,
    text: str,
    severity: Severity = Severity.WARNING,
    link: str = "",
    window: timedelta = timedelta(hours=1),
    now: datetime | None = None,
) -> OutboxMessage | None:
    """Write a log line, and mail ALERT_EMAILS unless the same `key` was mailed within `window`.

    Returns the message, or None when an earlier one covers it. The mail is part of the caller's transaction. With no
    address configured the message is kept too, on the channel `log`, so that screens can list it.
    """
    moment = now or timezone.now()
    title, text = scrub_text(title), scrub_text(text)
    getattr(_log, _LEVELS[severity])("alert", key=key, title=title, severity=severity, link=link)
    number = int(moment.timestamp() // window.total_seconds())
    # The unique key decides between two processes; looking at the window before closes the gap at its border.
    dedupe_keys = [f"alert:{key}:{number - back}"[-200:] for back in (0, 1)]
    recent = OutboxMessage.objects.filter(dedupe_key__in=dedupe_keys, created_at__gt=moment - window)
    if recent.exists():
        return None
    subject = f"[{severity}] {title}"
    body = f"{text}\n\n{link}\n" if link else f"{text}\n"
    if settings.ALERT_EMAILS:
        return outbox.enqueue_mail(
            recipients=settings.ALERT_EMAILS,
            subject=subject,
            body_text=body,
            dedupe_key=dedupe_keys[0],
            now=moment,
        )
    return outbox.write_once(
        dedupe_keys[0],
        {
            "channel": OutboxMessage.Channel.LOG,
            "subject": subject[:300],
            "body_text": body,
            "state": OutboxMessage.State.SENT,
            "created_at": moment,
            "sent_at": moment,
        },
    )
