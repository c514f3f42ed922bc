"""Messages that were dealt with in the past, written at once: what the demo finds in its outbox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra_shared.models import OutboxMessage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from infra_shared.models import Alert


@dataclass(frozen=True, slots=True, kw_only=True)
class PastMessage:
    """A mail and its tries, the oldest first: when, and the error; "" for the one that was sent.

    The same `key` is written once. A mail whose last try has an error failed, or was dropped by a person.
    """

    key: str
    recipient: str
    subject: str
    text: str
    tries: Sequence[tuple[datetime, str]]
    purpose: OutboxMessage.Purpose
    alert: Alert | None = None
    is_dropped: bool = False


def insert_messages(messages: Sequence[PastMessage]) -> None:
    """Write the messages that are not there yet; nothing is sent."""
    OutboxMessage.objects.bulk_create([_row(message) for message in messages], ignore_conflicts=True)


def _row(message: PastMessage) -> OutboxMessage:
    (first_at, _), (last_at, last_error) = message.tries[0], message.tries[-1]
    state = OutboxMessage.State.FAILED if last_error else OutboxMessage.State.SENT
    return OutboxMessage(
        channel=OutboxMessage.Channel.EMAIL,
        purpose=message.purpose,
        alert=message.alert,
        recipient=message.recipient,
        subject=message.subject,
        body_text=message.text,
        dedupe_key=message.key,
        state=OutboxMessage.State.DROPPED if message.is_dropped else state,
        attempts=len(message.tries),
        last_error=last_error,
        tries=[{"at": at.isoformat(), "error": error} for at, error in message.tries],
        created_at=first_at,
        sent_at=None if last_error else last_at,
    )
