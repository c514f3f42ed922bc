"""The outbox: what leaves the system is written in the transaction that causes it, and sent by a chore."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from django.core.mail import EmailMultiAlternatives
from django.db import connection, transaction
from django.utils import timezone

from infra_shared import clock
from infra_shared.http.post import PostError
from infra_shared.mail_policy import next_attempt_at
from infra_shared.models import OutboxMessage
from infra_shared.scrubbing import scrub_text
from infra_shared.services import audit
from infra_shared.services.webhooks import post_message

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra_shared.models import Alert, AlertChannel

_log = structlog.get_logger(__name__)
# Longer than any single sending (EMAIL_TIMEOUT bounds each network step): a sender that dies in between leaves the
# message to the next one after this time.
_CLAIM = timedelta(minutes=5)
_ROUND_SECONDS = 20.0
_CANDIDATES = 5
_ERROR_LENGTH = 500
_SUBJECT_LENGTH = 300
_PLAIN = OutboxMessage.Purpose.PLAIN


@dataclass(frozen=True, slots=True)
class SendReport:
    """What one round of sending did."""

    sent: int = 0
    postponed: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a message has to do with alerts; the default for one that has nothing."""

    purpose: OutboxMessage.Purpose = _PLAIN
    alert: Alert | None = None
    channel: AlertChannel | None = None


def enqueue_mail(  # noqa: PLR0913 - a mail has that many parts
    *,
    recipients: list[str],
    subject: str,
    body_text: str,
    body_html: str = "",
    dedupe_key: str = "",
    about: About | None = None,
    now: datetime | None = None,
) -> OutboxMessage:
    """The mail that will be sent once the caller's transaction commits; the earlier one if `dedupe_key` was used."""
    fields: dict[str, object] = {
        "channel": OutboxMessage.Channel.EMAIL,
        "recipient": ", ".join(recipients),
        "subject": " ".join(subject.split())[:_SUBJECT_LENGTH],
        "body_text": body_text,
        "body_html": body_html,
    }
    return _write_once(dedupe_key, fields, about or About(), now)


def enqueue_webhook(
    *,
    channel: AlertChannel,
    subject: str,
    body: str,
    about: About,
    dedupe_key: str = "",
    now: datetime | None = None,
) -> OutboxMessage:
    """The webhook that will be posted once the caller's transaction commits; the earlier one if the key was used."""
    fields: dict[str, object] = {
        "channel": OutboxMessage.Channel.WEBHOOK,
        "recipient": channel.place,
        "subject": " ".join(subject.split())[:_SUBJECT_LENGTH],
        "body_text": body,
    }
    return _write_once(dedupe_key, fields, about, now)


def _write_once(
    dedupe_key: str, fields: dict[str, object], about: About, now: datetime | None
) -> OutboxMessage:
    moment = now or timezone.now()
    fields |= {
        "purpose": about.purpose,
        "alert": about.alert,
        "alert_channel": about.channel,
        "next_attempt_at": moment,
        "created_at": moment,
    }
    if not dedupe_key:
        return OutboxMessage.objects.create(**fields)
    return OutboxMessage.objects.get_or_create(dedupe_key=dedupe_key, defaults=fields)[0]


def send_due(
    *,
    channel: OutboxMessage.Channel = OutboxMessage.Channel.EMAIL,
    limit: int = 50,
    now: Callable[[], datetime] = timezone.now,
) -> SendReport:
    """Send the messages of one channel that are due, at most `limit`, and say how it went.

    One after the other: a message is claimed for five minutes in a short transaction, sent outside any, then marked.
    One that cannot be sent is tried again later or marked failed, and never keeps the others back. After 20 seconds
    no further one is begun; the next round goes on. Delivery is at least once: a sender that dies between the
    receiver's answer and the mark leaves a message that is sent again.
    """
    began = clock.monotonic()
    outcomes: list[OutboxMessage.State] = []
    while len(outcomes) < limit and clock.monotonic() - began < _ROUND_SECONDS:
        message = _claim_next(channel, now())
        if message is None:
            break
        outcomes.append(_send(message, now))
    return SendReport(
        sent=outcomes.count(OutboxMessage.State.SENT),
        postponed=outcomes.count(OutboxMessage.State.PENDING),
        failed=outcomes.count(OutboxMessage.State.FAILED),
    )


@transaction.atomic
def send_again(*, message: OutboxMessage, actor: str, now: datetime | None = None) -> bool:
    """Put a failed message back into the outbox; False when it is not failed."""
    failed = OutboxMessage.objects.filter(pk=message.pk, state=OutboxMessage.State.FAILED)
    if not failed.update(
        state=OutboxMessage.State.PENDING, attempts=0, next_attempt_at=now or timezone.now()
    ):
        return False
    audit.record(actor=actor, action="message.send_again", object_kind="message", object_id=message.pk)
    return True


@transaction.atomic
def _claim_next(channel: OutboxMessage.Channel, now: datetime) -> OutboxMessage | None:
    due = OutboxMessage.objects.due(now).filter(channel=channel)
    if connection.features.has_select_for_update_skip_locked:
        due = due.select_for_update(skip_locked=True)
    # A few candidates: where rows are not locked, another sender may win the first ones.
    for message in due[:_CANDIDATES]:
        seen = {"next_attempt_at": message.next_attempt_at, "attempts": message.attempts}
        claimed = {"next_attempt_at": now + _CLAIM, "attempts": message.attempts + 1}
        pending = OutboxMessage.objects.filter(pk=message.pk, state=OutboxMessage.State.PENDING)
        if pending.filter(**seen).update(**claimed):
            message.attempts += 1
            return message
    return None


def _send(message: OutboxMessage, now: Callable[[], datetime]) -> OutboxMessage.State:
    send = post_message if message.channel == OutboxMessage.Channel.WEBHOOK else _mail
    try:
        send(message, now())
    except Exception as error:  # noqa: BLE001 - whatever a mail backend raises, one message must not stop the rest
        return _note_failure(message, error, now())
    _mark(message, state=OutboxMessage.State.SENT, sent_at=now(), next_attempt_at=None, last_error="")
    return OutboxMessage.State.SENT


def _mail(message: OutboxMessage, _now: datetime) -> None:
    mail = EmailMultiAlternatives(
        subject=message.subject,
        body=message.body_text,
        to=[address.strip() for address in message.recipient.split(",")],
    )
    if message.body_html:
        mail.attach_alternative(message.body_html, "text/html")
    mail.send()


def _note_failure(message: OutboxMessage, error: Exception, now: datetime) -> OutboxMessage.State:
    retry_at = next_attempt_at(
        attempts=message.attempts,
        error=error,
        now=now,
        chance=random.random(),  # noqa: S311 - spreads, protects nothing
    )
    state = OutboxMessage.State.PENDING if retry_at else OutboxMessage.State.FAILED
    words = str(error) if isinstance(error, PostError) else f"{type(error).__name__}: {error}"
    reason = scrub_text(words)[:_ERROR_LENGTH]
    _mark(message, state=state, next_attempt_at=retry_at, last_error=reason)
    _log.warning("message_not_sent", message_id=message.pk, attempts=message.attempts, error=reason)
    return state


def _mark(message: OutboxMessage, **fields: object) -> None:
    # Only while the claim still holds: a sender that overran it must not overwrite its successor's mark.
    OutboxMessage.objects.filter(
        pk=message.pk, state=OutboxMessage.State.PENDING, attempts=message.attempts
    ).update(**fields)
