"""Folding a burst of alerts into one message, so that nobody is mailed more than can be read.

Each recipient gets MAIL_BURST messages one by one within ten minutes, whichever channels name it; what is due beyond
that becomes one digest, and the next digest waits until ten minutes after it. Signed webhooks are left alone: programs
read those, and miss what they are not told.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db import transaction

from infra_shared import alert_words
from infra_shared.mail_words import MOST_LINES, Line, digest_mail
from infra_shared.models import AlertChannel, OutboxMessage, Severity
from infra_shared.services.alert_pages import alert_page, open_alerts_page

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from infra_shared.models import Alert, OutboxQuerySet

WINDOW = timedelta(minutes=10)
_MOST_AT_ONCE = 1000
_Purpose, _State = OutboxMessage.Purpose, OutboxMessage.State
_FOLDABLE = (_Purpose.OPENED, _Purpose.REMINDER, _Purpose.RECOVERED)
_WORST_FIRST = (Severity.CRITICAL, Severity.WARNING, Severity.INFO)
_log = structlog.get_logger(__name__)


def fold_bursts(*, channel: OutboxMessage.Channel, now: datetime) -> int:
    """Fold what is too much for its recipient, or leave it for later; returns how many digests were written."""
    waiting: dict[tuple[str, int | None], list[OutboxMessage]] = defaultdict(list)
    for message in _foldable(channel, now):
        waiting[message.recipient, message.alert_channel_id].append(message)
    if not waiting:
        return 0
    lately = _sent_lately(channel, now)
    return sum(_settle(messages, lately, now) for messages in waiting.values())


def _foldable(channel: OutboxMessage.Channel, now: datetime) -> OutboxQuerySet:
    rows = OutboxMessage.objects.due(now).filter(channel=channel, purpose__in=_FOLDABLE, attempts=0)
    if channel == OutboxMessage.Channel.WEBHOOK:
        rows = rows.filter(alert_channel__kind=AlertChannel.Kind.SLACK)
    return rows[:_MOST_AT_ONCE]


def _sent_lately(channel: OutboxMessage.Channel, now: datetime) -> Counter[str]:
    sent = OutboxMessage.objects.filter(state=_State.SENT, sent_at__gt=now - WINDOW, channel=channel)
    return Counter(place for message in sent.order_by() for place in _places(message))


def _places(message: OutboxMessage) -> list[str]:
    """Who reads it: each address of a mail; of a webhook its channel."""
    if message.channel == OutboxMessage.Channel.WEBHOOK:
        return [str(message.alert_channel_id)]
    return [address.lower() for address in message.addresses]


def _settle(messages: Sequence[OutboxMessage], lately: Counter[str], now: datetime) -> bool:
    """Let these go out one by one, make one digest of them, or let them wait for the next; whether one was made."""
    places = _places(messages[0])
    if max(lately[place] for place in places) + len(messages) <= settings.MAIL_BURST:
        lately.update(places * len(messages))
        return False
    digests = OutboxMessage.objects.filter(
        purpose=_Purpose.DIGEST,
        recipient=messages[0].recipient,
        alert_channel_id=messages[0].alert_channel_id,
        created_at__gt=now - WINDOW,
    )
    latest = digests.order_by("-id").first()
    if latest is not None:
        _untouched(messages).update(next_attempt_at=latest.created_at + WINDOW)
        return False
    return _fold([message.pk for message in messages], now)


def _untouched(messages: Iterable[OutboxMessage]) -> OutboxQuerySet:
    keys = [message.pk for message in messages]
    return OutboxMessage.objects.filter(pk__in=keys, state=_State.PENDING, attempts=0)


@transaction.atomic
def _fold(keys: Sequence[int], now: datetime) -> bool:
    """Write the digest of those nobody has begun to send; two senders never fold the same."""
    rows = OutboxMessage.objects.filter(pk__in=keys, state=_State.PENDING, attempts=0)
    found = list(rows.select_for_update(of=("self",)).order_by("id"))
    if not found:
        return False
    alerts = {message.pk: message.alert for message in rows.select_related("alert")}
    told = [(message, alerts[message.pk]) for message in found]
    digest = _written(told, now)
    rows.filter(pk__in=[message.pk for message in found]).update(
        state=_State.FOLDED, next_attempt_at=None, digest=digest
    )
    _log.info("messages_folded", digest=digest.pk, messages=len(found))
    return True


def _written(told: Sequence[tuple[OutboxMessage, Alert | None]], now: datetime) -> OutboxMessage:
    first = told[0][0]
    severities = {alert.severity for _, alert in told if alert is not None}
    worst = next((severity for severity in _WORST_FIRST if severity in severities), Severity.WARNING)
    all_url = open_alerts_page()
    lines = [Line(message.subject, alert_page(alert) if alert else all_url) for message, alert in told]
    subject = f"[{worst}] {len(told)} alerts in a short time"
    bodies = digest_mail(lines, all_url)
    is_mail = first.channel == OutboxMessage.Channel.EMAIL
    slack = alert_words.slack_list(subject, [line.title for line in lines[:MOST_LINES]], all_url)
    return OutboxMessage.objects.create(
        channel=first.channel,
        purpose=_Purpose.DIGEST,
        alert_channel_id=first.alert_channel_id,
        recipient=first.recipient,
        subject=subject,
        body_text=bodies.text if is_mail else slack,
        body_html=bodies.html if is_mail else "",
        next_attempt_at=now,
        created_at=now,
    )
