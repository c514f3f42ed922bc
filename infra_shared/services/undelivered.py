"""What a person does about messages that did not arrive: send them again, or drop what nobody needs any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from infra_shared.models import OutboxMessage
from infra_shared.services import audit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from infra_shared.models import OutboxQuerySet

MOST_AT_ONCE = 200
"""How many are dealt with in one transaction, which stays short: by one press of a button, a portion of a command."""
_State = OutboxMessage.State
_MAY_BE_SENT_AGAIN = (_State.FAILED, _State.DROPPED)
_MAY_BE_DROPPED = (_State.PENDING, _State.FAILED)
_FAILED_ALONE = (_State.FAILED,)


@transaction.atomic
def send_again(*, message: OutboxMessage, actor: str, now: datetime | None = None) -> bool:
    """Put a message that failed or was dropped back into the outbox; False when it is neither."""
    return _send_again(message.pk, _MAY_BE_SENT_AGAIN, actor, now or timezone.now())


@transaction.atomic
def send_failed_again(*, messages: OutboxQuerySet, actor: str, now: datetime | None = None) -> int:
    """Put the failed ones among these back, the oldest MOST_AT_ONCE of them; returns how many.

    They go out as new ones do: alerts that are too many for their recipient become a digest.
    """
    moment = now or timezone.now()
    return sum(_send_again(pk, _FAILED_ALONE, actor, moment) for pk in _oldest_failed(messages))


@transaction.atomic
def drop(*, message: OutboxMessage, actor: str) -> bool:
    """Let a message that waits or failed be sent no more; False when it does neither.

    One that is being sent at this moment may still arrive.
    """
    return _drop(message.pk, _MAY_BE_DROPPED, actor)


@transaction.atomic
def drop_failed(*, messages: OutboxQuerySet, actor: str) -> int:
    """Drop the failed ones among these, the oldest MOST_AT_ONCE of them; returns how many."""
    return sum(_drop(pk, _FAILED_ALONE, actor) for pk in _oldest_failed(messages))


def _oldest_failed(messages: OutboxQuerySet) -> list[int]:
    return list(messages.failed().order_by("pk").values_list("pk", flat=True)[:MOST_AT_ONCE])


# The states are looked at again in the update: somebody else may have dealt with the message meanwhile.
def _send_again(pk: int, states: Sequence[OutboxMessage.State], actor: str, now: datetime) -> bool:
    again = {"state": _State.PENDING, "attempts": 0, "next_attempt_at": now}
    if not OutboxMessage.objects.filter(pk=pk, state__in=states).update(**again):
        return False
    audit.record(actor=actor, action="message.send_again", object_kind="message", object_id=pk)
    return True


def _drop(pk: int, states: Sequence[OutboxMessage.State], actor: str) -> bool:
    found = OutboxMessage.objects.filter(pk=pk, state__in=states)
    if not found.update(state=_State.DROPPED, next_attempt_at=None):
        return False
    audit.record(actor=actor, action="message.drop", object_kind="message", object_id=pk)
    return True
