"""Schedules of the sample automation, put into the state a test begins with."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import F

from automations.models import Automation, Customer, Schedule
from automations.services import schedules
from automations.services.schedule_input import ScheduleInput
from infra_shared.database import database_now
from runs import lifecycle
from runs.models import Occurrence, Run
from runs.services import scheduling
from runs.states import RunState

if TYPE_CHECKING:
    from datetime import datetime

ACTOR = "test"


def wanted(**changes: Any) -> ScheduleInput:
    """The input of a schedule that fires every minute."""
    facts: dict[str, Any] = {
        "name": "Every minute",
        "automation": Automation.objects.get(key="sample"),
        "customer": Customer.objects.get(key="main"),
        "kind": "interval",
        "every_seconds": 60,
        "params": {"city": "Riga"},
    }
    return ScheduleInput(**(facts | changes))


def make(**changes: Any) -> Schedule:
    """A schedule, planned from now on."""
    return schedules.create_schedule(wanted=wanted(**changes), actor=ACTOR)


def put_behind(schedule: Schedule, minutes: int) -> datetime:
    """Put an interval's watermark so many minutes back, as after an outage; returns the watermark."""
    watermark = database_now() - timedelta(minutes=minutes, seconds=5)
    Schedule.objects.filter(pk=schedule.pk).update(
        anchor_at=watermark,
        planned_until=watermark,
        replanned_at=watermark,
        next_fire_at=watermark + timedelta(minutes=1),
    )
    return watermark


def put_off_rows(schedule: Schedule, by: timedelta) -> None:
    """Move the schedule and its ledger into the past, as if so much time had gone by."""
    Schedule.objects.filter(pk=schedule.pk).update(
        anchor_at=F("anchor_at") - by,
        planned_until=F("planned_until") - by,
        replanned_at=F("replanned_at") - by,
        next_fire_at=F("next_fire_at") - by,
    )
    rows = Occurrence.objects.filter(schedule=schedule)
    # The oldest first, so that no row meets the time of one that has not moved yet.
    for row in rows.order_by("fire_at"):
        row.fire_at, row.handled_at = row.fire_at - by, row.handled_at - by
        row.save()


def next_minute(schedule: Schedule) -> int:
    """Let a minute go by and the dispatcher tick; returns how many runs were requested."""
    put_off_rows(schedule, timedelta(minutes=1))
    return scheduling.fire_due_schedules()


def ledger(schedule: Schedule) -> list[str]:
    """The states of the schedule's occurrences, in the order of their planned times."""
    rows = Occurrence.objects.filter(schedule=schedule).order_by("fire_at")
    return list(rows.values_list("state", flat=True))


def run_of(schedule: Schedule) -> Run:
    """The run of the latest planned time that fired."""
    fired = Occurrence.objects.fired().filter(schedule=schedule).select_related("run__customer").first()
    assert fired is not None
    assert fired.run is not None
    return fired.run


def end(run: Run, state: RunState) -> None:
    """End a run as if a worker had: started, then in this state."""
    now = database_now()
    if run.state == RunState.QUEUED:
        lifecycle.move_run(run, RunState.RUNNING, actor=ACTOR, reason="test", now=now, started_at=now)
    if state == RunState.CANCELLED and run.state == RunState.RUNNING:
        lifecycle.move_run(run, RunState.CANCELLING, actor=ACTOR, reason="test", now=now)
    if state != RunState.RUNNING:
        lifecycle.move_run(run, state, actor=ACTOR, reason="test", now=now)
