"""Slots: held units of concurrency limits, taken all or none in sorted order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import Count, Min, OuterRef, Subquery
from django.db.models.functions import Coalesce

from runs.models import Limit, Slot

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from runs.models import Attempt


@dataclass(frozen=True, slots=True)
class Use:
    """How many slots of a limit are held, of how many."""

    held: int
    most: int

    @property
    def is_full(self) -> bool:
        """Whether nobody more gets in; a limit may have been lowered below what is held."""
        return self.held >= self.most


def limits_in_use() -> dict[str, Use]:
    """The limits of which a slot is held, by key, in one statement.

    Only a live attempt holds a slot, so that few are counted. Where operators say nothing, the smallest limit counts
    that a holder was given: versions of an automation may declare different ones.
    """
    said = Subquery(Limit.objects.filter(key=OuterRef("key")).values("most"))
    held = (
        Slot.objects.order_by()
        .values_list("key")
        .annotate(held=Count("pk"), most=Coalesce(said, Min("most")))
    )
    return {key: Use(count, most) for key, count, most in held}


def full_keys() -> set[str]:
    """The keys of which no slot is free."""
    return {key for key, use in limits_in_use().items() if use.is_full}


def missing_slot(*, limits: Mapping[str, int], attempt: Attempt) -> str | None:
    """The first limit that is full for this attempt, without writing anything; None when all have room."""
    for key in sorted(limits):
        held = Slot.objects.filter(key=key)
        if held.filter(attempt=attempt).exists():
            continue
        if held.count() >= limits[key]:
            return key
    return None


def take_slots(*, limits: Mapping[str, int], attempt: Attempt, now: datetime) -> bool:
    """Take one slot of each limit for this attempt, or none at all; True when it holds them all.

    Call inside a transaction that is rolled back on False. Two takers of the last slot meet in the unique key.
    """
    return all(_take_one(key, limits[key], attempt, now) for key in sorted(limits))


def free_slots(*, attempt: Attempt) -> list[str]:
    """Give back everything an attempt holds, part of the transaction that ends it; the keys that have room now."""
    held = Slot.objects.filter(attempt=attempt)
    keys = list(held.values_list("key", flat=True))
    if keys:
        held.delete()
    return keys


def _take_one(key: str, limit: int, attempt: Attempt, now: datetime) -> bool:
    """Take the lowest free number, looking again after each race that was lost.

    Everybody tries the same number, so that the unique key decides between them; and what is held is counted each time,
    since the numbers held may be above a limit that was lowered.
    """
    rows = Slot.objects.filter(key=key)
    if rows.filter(attempt=attempt).exists():
        return True
    while True:
        taken = set(rows.values_list("n", flat=True))
        if len(taken) >= limit:
            return False
        n = next(number for number in range(1, limit + 1) if number not in taken)
        try:
            with transaction.atomic():
                Slot.objects.create(key=key, n=n, attempt=attempt, acquired_at=now, most=limit)
        except IntegrityError:
            continue
        return True
