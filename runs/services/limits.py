"""Limits that operators set."""

from __future__ import annotations

from django.db import transaction

from infra_shared.database import database_now
from infra_shared.services import audit
from runs.errors import InvalidRequestError
from runs.limit_keys import Kind, normal, split
from runs.models import Limit

MOST = 1_000_000
"""As much as no limit, and well within what every database counts."""


@transaction.atomic
def set_limit(*, key: str, most: int | None, starts_per_minute: int | None, actor: str) -> Limit:
    """Say how many attempts of a key may be under way at once, and for a site how many may begin in a minute.

    It goes before what automations declare, from the next attempt on: nobody who holds a slot loses it. None leaves a
    number open. InvalidRequestError names the field that does not fit.
    """
    try:
        wanted = normal(key)
    except ValueError as error:
        raise InvalidRequestError("key", str(error)) from error
    if most is None and starts_per_minute is None:
        raise InvalidRequestError("most", "Say how many at once, or how many starts in a minute.")
    for name, number in (("most", most), ("starts_per_minute", starts_per_minute)):
        if number is not None and number < 1:
            raise InvalidRequestError(name, "At least 1. To stop everything there, pause it.")
        if number is not None and number > MOST:
            raise InvalidRequestError(name, f"At most {MOST:,}. To have no limit, leave it open.")
    if starts_per_minute is not None and split(wanted)[0] is not Kind.SITE:
        raise InvalidRequestError("starts_per_minute", "Starts are paced for sites alone.")
    numbers = {"most": most, "starts_per_minute": starts_per_minute}
    row, _ = Limit.objects.update_or_create(
        key=wanted, defaults={**numbers, "set_by": actor, "set_at": database_now()}
    )
    audit.record(
        actor=actor, action="limit.set", object_kind="limit", object_id=wanted[:100], details=numbers
    )
    return row


@transaction.atomic
def remove_limit(*, limit: Limit, actor: str) -> None:
    """Let what automations declare count again."""
    audit.record(
        actor=actor,
        action="limit.remove",
        object_kind="limit",
        object_id=limit.key[:100],
        details={"most": limit.most, "starts_per_minute": limit.starts_per_minute},
    )
    limit.delete()
