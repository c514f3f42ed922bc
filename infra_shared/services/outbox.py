"""The outbox: what leaves the system is written in the transaction that causes it, and sent by a chore."""

from __future__ import annotations

import random
import smtplib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from django.db import connection, transaction
from django.utils import timezone

from infra_shared import clock
from infra_shared.mail_errors import in_words
from infra_shared.mail_policy import MAX_ATTEMPTS, next_attempt_at
from infra_shared.models import OutboxMessage
from infra_shared.scrubbing import scrub_text
from infra_shared.services.digests import fold_bursts
from infra_shared.services.mailing import send_mail
from infra_shared.services.webhooks import post_message

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra_shared.mail_backend import Refusals
    from infra_shared.models import Alert, AlertChannel

_log = structlog.get_logger(__name__)
# Longer than any single sending (EMAIL_TIMEOUT bounds each network step): a sender that dies in between leaves the
# message to the next one after this time.
_CLAIM = timedelta(minutes=5)
_ROUND_SECONDS = 20.0
_CANDIDATES = 5
_ERROR_LENGTH = 500
_TRIES_KEPT = 3 * MAX_ATTEMPTS
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
    seen_ref: str = ""


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
    """The mail that will be sent once the caller's transaction commits; the earlier one if `dedupe_key` was used.

    Operators see the recipients and the subject of every mail, and the text of those about alerts; the text of one
    `about` nothing is for its recipients alone.
    """
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
        "seen_ref": about.seen_ref,
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
    no further one is begun; the next round goes on. What came to one recipient as a burst is folded first. Delivery is
    at least once: a sender that dies between the receiver's answer and the mark leaves a message that is sent again,
    under the same Message-ID.
    """
    began = clock.monotonic()
    fold_bursts(channel=channel, now=now())
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
def _claim_next(channel: OutboxMessage.Channel, now: datetime) -> OutboxMessage | None:
    due = OutboxMessage.objects.due(now).filter(channel=channel)
    if connection.features.has_select_for_update_skip_locked:
        due = due.select_for_update(skip_locked=True)
    # A few candidates: where rows are not locked, another sender may win the first ones.
    for message in due[:_CANDIDATES]:
        if message.attempts >= MAX_ATTEMPTS:
            _give_up(message)
            continue
        seen = {"next_attempt_at": message.next_attempt_at, "attempts": message.attempts}
        claimed = {"next_attempt_at": now + _CLAIM, "attempts": message.attempts + 1}
        pending = OutboxMessage.objects.filter(pk=message.pk, state=OutboxMessage.State.PENDING)
        if pending.filter(**seen).update(**claimed):
            message.attempts += 1
            return message
    return None


def _give_up(message: OutboxMessage) -> None:
    """Mark what no sender lived to report: it must not take down one after the other for ever."""
    words = "Each time its sender ended before it could report. Look at the log of the chores, then send it again."
    if _mark(message, state=OutboxMessage.State.FAILED, next_attempt_at=None, last_error=words):
        _log.error("message_given_up", message=message.pk, attempts=message.attempts)


def _send(message: OutboxMessage, now: Callable[[], datetime]) -> OutboxMessage.State:
    refused: Refusals = {}
    try:
        if message.channel == OutboxMessage.Channel.WEBHOOK:
            post_message(message, now())
        else:
            refused = send_mail(message)
    except Exception as error:  # noqa: BLE001 - whatever a mail backend raises, one message must not stop the rest
        return _note_failure(message, error, now())
    with transaction.atomic():
        sent = {
            "state": OutboxMessage.State.SENT,
            "sent_at": now(),
            "next_attempt_at": None,
            "last_error": "",
            "tries": _tries_with(message, "", now()),
        }
        if refused:
            sent["recipient"] = ", ".join(place for place in message.addresses if place not in refused)
        if _mark(message, **sent) and refused:
            _split_off(message, refused, now())
    return OutboxMessage.State.SENT


def _split_off(message: OutboxMessage, refused: Refusals, now: datetime) -> None:
    """A message of its own for each recipient that was refused while others were not: tried again, or failed."""
    for address, answer in refused.items():
        rest = OutboxMessage.objects.get(pk=message.pk)
        rest.pk, rest.recipient, rest.dedupe_key, rest.sent_at = None, address, "", None
        rest.state, rest.next_attempt_at, rest.tries = OutboxMessage.State.PENDING, now, message.tries
        rest.save(force_insert=True)
        _note_failure(rest, smtplib.SMTPRecipientsRefused({address: answer}), now)


def _note_failure(message: OutboxMessage, error: Exception, now: datetime) -> OutboxMessage.State:
    retry_at = next_attempt_at(
        attempts=message.attempts,
        error=error,
        now=now,
        chance=random.random(),  # noqa: S311 - spreads, protects nothing
    )
    state = OutboxMessage.State.PENDING if retry_at else OutboxMessage.State.FAILED
    reason = scrub_text(in_words(error))[:_ERROR_LENGTH]
    tries = _tries_with(message, reason, now)
    _mark(message, state=state, next_attempt_at=retry_at, last_error=reason, tries=tries)
    _log.warning("message_not_sent", message_id=message.pk, attempts=message.attempts, error=reason)
    return state


def _tries_with(message: OutboxMessage, error: str, now: datetime) -> list[dict[str, str]]:
    return [*message.tries, {"at": now.isoformat(), "error": error}][-_TRIES_KEPT:]


def _mark(message: OutboxMessage, **fields: object) -> bool:
    # Only while the claim still holds: a sender that overran it must not overwrite its successor's mark.
    claimed = OutboxMessage.objects.filter(
        pk=message.pk, state=OutboxMessage.State.PENDING, attempts=message.attempts
    )
    return bool(claimed.update(**fields))
