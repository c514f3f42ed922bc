"""Filling in what a schedule missed: planned times of a range that never fired."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

from django.db import transaction

from automations import fire_times
from automations.errors import ParamsInvalidError
from automations.models import Schedule
from automations.services.params import refuse_secrets
from infra_shared.database import database_now
from infra_shared.services import audit
from runs.errors import BackfillRefusedError
from runs.models import Occurrence, OccurrenceState
from runs.services.occurrences import version_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

MOST_TIMES = 1000
"""Planned times in one range; whoever wants more takes several ranges, and sees each before it starts."""
_DONE = (OccurrenceState.FIRED, OccurrenceState.WAITING)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillPlan:
    """What a backfill of [begin, end) would do: `missing` is to fire, `present` counts the others by their state."""

    begin: datetime
    end: datetime
    missing: Sequence[datetime]
    present: Mapping[str, int]

    @property
    def planned(self) -> int:
        """How many planned times the range has."""
        return len(self.missing) + sum(self.present.values())


def plan_backfill(*, schedule: Schedule, begin: datetime, end: datetime) -> BackfillPlan:
    """What is missing from `begin` on and before `end`, by the schedule's present rule; nothing is written.

    Missing is a planned time that has passed and has neither fired nor waits to: it has no row, or one that says it was
    coalesced, skipped, missed or refused. Raises BackfillRefusedError where a backfill makes no sense.
    """
    _refuse(schedule, begin, end)
    handled = schedule.planned_until + timedelta.resolution
    until = min(end, handled)  # what comes later is still the dispatcher's own to fire
    times = list(islice(fire_times.between(schedule.rule, begin, until), MOST_TIMES + 1))
    if len(times) > MOST_TIMES:
        raise BackfillRefusedError(
            f"The range has more than {MOST_TIMES:,} planned times. Fill it in by shorter ranges."
        )
    rows = Occurrence.objects.filter(schedule=schedule, fire_at__gte=begin, fire_at__lt=until)
    states = dict(rows.filter(state__in=_DONE).values_list("fire_at", "state"))
    present = Counter(states[fire_at] for fire_at in times if fire_at in states)
    missing = [fire_at for fire_at in times if fire_at not in states]
    return BackfillPlan(begin=begin, end=end, missing=missing, present=dict(present))


@transaction.atomic
def backfill(*, schedule: Schedule, begin: datetime, end: datetime, actor: str) -> BackfillPlan:
    """Let what is missing in the range fire, and return it; repeating it finds nothing more to do.

    The times wait for the dispatcher, which fires them with a low priority, in their order: one after the other, unless
    the schedule's runs may overlap.
    """
    locked = Schedule.objects.select_for_update(of=("self",)).select_related("customer").get(pk=schedule.pk)
    wanted = plan_backfill(schedule=locked, begin=begin, end=end)
    now = database_now()
    reason = f"filled in by {actor}"
    rows = {
        row.fire_at: row for row in Occurrence.objects.filter(schedule=locked, fire_at__in=wanted.missing)
    }
    for row in rows.values():
        row.reason = f"{reason}; before: {row.state}, {row.reason}"[:500]
        row.state, row.handled_at, row.backfill = OccurrenceState.WAITING, now, True
    Occurrence.objects.bulk_update(rows.values(), ["reason", "state", "handled_at", "backfill"])
    Occurrence.objects.bulk_create(
        Occurrence(
            schedule=locked,
            fire_at=fire_at,
            state=OccurrenceState.WAITING,
            reason=reason,
            handled_at=now,
            backfill=True,
        )
        for fire_at in wanted.missing
        if fire_at not in rows
    )
    audit.record(
        actor=actor,
        action="schedule.backfill",
        object_kind="schedule",
        object_id=locked.pk,
        customer=locked.customer.key,
        details={"from": begin.isoformat(), "until": end.isoformat(), "times": len(wanted.missing)},
    )
    return wanted


def why_no_backfill(schedule: Schedule) -> str:
    """Why this schedule cannot be backfilled at all, as a sentence; empty when it can."""
    if schedule.deleted_at is not None:
        return "The schedule is deleted."
    if not fire_times.uses_fire_at(schedule.params):
        return (
            "Its params do not use fire_at: every run would do the same as one of now. "
            f"Name the planned time in them first, such as {fire_times.EXAMPLE}"
        )
    if schedule.paused_at is not None:
        return "The schedule is paused. Resume it first."
    return _secrets_needed(schedule)


def _secrets_needed(schedule: Schedule) -> str:
    version = version_of(schedule)
    try:
        if version is not None:
            refuse_secrets(version=version, params=schedule.params)
    except ParamsInvalidError as error:
        return str(error)
    return ""


def _refuse(schedule: Schedule, begin: datetime, end: datetime) -> None:
    if reason := why_no_backfill(schedule):
        raise BackfillRefusedError(reason)
    if begin >= end:
        raise BackfillRefusedError("The range is empty: its end must be later than its beginning.")
