"""Slots: held units of concurrency limits, taken all or none in sorted order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from runs.models import Attempt, Slot

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from automations.models import AutomationVersion


def limits_of(version: AutomationVersion) -> dict[str, int]:
    """The limits an attempt of this version counts against: slot key → how many may be held at once."""
    most = version.options.get("max_concurrent")
    return {f"automation:{version.automation.key}": most} if most else {}


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


def free_slots(*, attempt: Attempt) -> None:
    """Give back everything an attempt holds; part of the transaction that ends it."""
    Slot.objects.filter(attempt=attempt).delete()


def _take_one(key: str, limit: int, attempt: Attempt, now: datetime) -> bool:
    rows = Slot.objects.filter(key=key)
    if rows.filter(attempt=attempt).exists():
        return True
    taken = set(rows.values_list("n", flat=True))
    for n in range(1, limit + 1):
        if n in taken:
            continue
        try:
            with transaction.atomic():
                Slot.objects.create(key=key, n=n, attempt=attempt, acquired_at=now)
        except IntegrityError:
            continue
        return True
    return False
