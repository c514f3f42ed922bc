"""What becomes of planned times that have passed: a pure decision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

SKIP, LATEST, ALL = "skip", "latest", "all"


class Fate(StrEnum):
    """What is to be done with a planned time."""

    FIRE = "fire"
    COALESCE = "coalesce"
    MISS = "miss"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lateness:
    """What a schedule does about it: `policy` counts for times later than `grace`, `limit` for the policy `all`."""

    policy: str
    grace: timedelta
    limit: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """One planned time, what is to be done with it, and why; no reason is needed to fire."""

    fire_at: datetime
    fate: Fate
    reason: str = ""


def judge(passed: Sequence[datetime], *, due_by: datetime, lateness: Lateness) -> Iterator[Verdict]:
    """A verdict for each of the passed times, in their order.

    `due_by` is now, less the schedule's offset. A time no later than the grace is just late and fires, whatever the
    policy. Of the later ones `skip` fires none; `latest` fires the last, unless one that is just late stands for it;
    `all` fires the last `limit` of them.
    """
    too_late = [fire_at for fire_at in passed if due_by - fire_at > lateness.grace]
    for number, fire_at in enumerate(too_late):
        after_it = len(too_late) - number - 1
        yield _of_misfire(fire_at, after_it, due_by, lateness, stood_for=len(passed) > number + 1)
    for fire_at in passed[len(too_late) :]:
        yield Verdict(fire_at, Fate.FIRE)


def _of_misfire(
    fire_at: datetime, after_it: int, due_by: datetime, lateness: Lateness, *, stood_for: bool
) -> Verdict:
    late = f"{_span(due_by - fire_at)} late"
    if lateness.policy == SKIP:
        reason = f"{late}, more than its grace of {_span(lateness.grace)}: such times are left out"
        return Verdict(fire_at, Fate.MISS, reason)
    if lateness.policy == LATEST and stood_for:
        return Verdict(fire_at, Fate.COALESCE, f"{late}; a later time stands for it")
    if lateness.policy == ALL and after_it >= lateness.limit:
        reason = f"{late}, and {lateness.limit} or more later ones as well: no more are fired"
        return Verdict(fire_at, Fate.MISS, reason)
    return Verdict(fire_at, Fate.FIRE)


def _span(length: timedelta) -> str:
    return str(timedelta(seconds=round(length.total_seconds())))
