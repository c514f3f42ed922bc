"""Filling in what a schedule missed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from automations.models import Overlap, Schedule
from automations.services import schedules
from infra_shared.database import database_now
from infra_shared.models import AuditLine
from runs.errors import BackfillRefusedError
from runs.models import Occurrence, Run
from runs.services import backfills, scheduling
from runs.states import RunState
from tests.support.schedules import ACTOR, end, ledger, make, put_behind, run_of

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("version")
DATED = {"city": "{{ fire_at:%H:%M }}"}


def after_an_outage(**changes: Any) -> Schedule:
    """A schedule of which three times were coalesced into a fourth that fired."""
    schedule = make(params=DATED, **changes)
    put_behind(schedule, 4)
    scheduling.fire_due_schedules()
    assert ledger(schedule) == ["coalesced", "coalesced", "coalesced", "fired"]
    schedule.refresh_from_db()
    return schedule


def hour(schedule: Schedule) -> dict[str, Any]:
    """A range that begins with the schedule's first time, which has no row, one minute before the ledger does."""
    first = Occurrence.objects.filter(schedule=schedule).earliest("fire_at").fire_at
    return {"schedule": schedule, "begin": first - timedelta(minutes=1), "end": first + timedelta(hours=1)}


def test_the_dry_run_counts_what_is_there_and_lists_what_is_missing() -> None:
    schedule = after_an_outage()

    plan = backfills.plan_backfill(**hour(schedule))

    assert (plan.planned, plan.present, len(plan.missing)) == (5, {"fired": 1}, 4)
    assert Run.objects.count() == 1


def test_only_what_is_missing_fires_and_each_time_keeps_its_one_row() -> None:
    schedule = after_an_outage(priority=5)

    done = backfills.backfill(**hour(schedule), actor="operator:anna")
    assert scheduling.fire_due_schedules() == 4

    assert len(done.missing) == 4
    assert ledger(schedule) == ["fired"] * 5
    row = Occurrence.objects.order_by("fire_at")[1]
    assert row.reason.startswith("filled in by operator:anna; before: coalesced")
    assert row.run is not None
    assert (row.run.params["city"], row.run.priority) == (f"{row.fire_at:%H:%M}", -5)
    assert AuditLine.objects.get(action="schedule.backfill").details["times"] == 4


def test_repeating_a_backfill_finds_nothing_more() -> None:
    schedule = after_an_outage()
    backfills.backfill(**hour(schedule), actor=ACTOR)

    assert backfills.backfill(**hour(schedule), actor=ACTOR).missing == []


def test_runs_that_may_not_overlap_are_filled_in_one_after_the_other() -> None:
    schedule = after_an_outage(overlap=Overlap.SKIP)
    backfills.backfill(**hour(schedule), actor=ACTOR)

    fired = []
    for _ in range(5):
        fired.append(scheduling.fire_due_schedules())
        for run in Run.objects.filter(state="queued"):
            end(run, RunState.SUCCEEDED)

    assert fired == [0, 1, 1, 1, 1]
    assert ledger(schedule) == ["fired"] * 5
    assert run_of(schedule).state == "succeeded"


def test_a_pause_stops_a_backfill_that_is_under_way() -> None:
    schedule = after_an_outage()
    backfills.backfill(**hour(schedule), actor=ACTOR)
    schedules.pause_schedule(schedule=schedule, reason="wrong days", actor=ACTOR)

    assert scheduling.fire_due_schedules() == 0

    assert ledger(schedule) == ["skipped"] * 4 + ["fired"]


def _undated(schedule: Schedule) -> None:
    Schedule.objects.update(params={"city": "Riga"})


def _paused(schedule: Schedule) -> None:
    schedules.pause_schedule(schedule=schedule, reason="", actor=ACTOR)


def _deleted(schedule: Schedule) -> None:
    schedules.delete_schedule(schedule=schedule, actor=ACTOR)


@pytest.mark.parametrize(
    ("change", "words"), [(_undated, "do not use fire_at"), (_paused, "Resume it"), (_deleted, "deleted")]
)
def test_a_backfill_that_makes_no_sense_is_refused(change: Callable[[Schedule], None], words: str) -> None:
    schedule = after_an_outage()
    span = hour(schedule)
    change(schedule)
    schedule.refresh_from_db()

    with pytest.raises(BackfillRefusedError, match=words):
        backfills.backfill(**span, actor=ACTOR)


def test_a_range_with_too_many_times_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    schedule = after_an_outage()
    monkeypatch.setattr(backfills, "MOST_TIMES", 2)

    with pytest.raises(BackfillRefusedError, match="shorter ranges"):
        backfills.plan_backfill(**hour(schedule))


def test_what_is_still_to_come_is_not_filled_in() -> None:
    schedule = after_an_outage()
    ahead: datetime = database_now() + timedelta(days=1)

    plan = backfills.plan_backfill(schedule=schedule, begin=ahead, end=ahead + timedelta(hours=1))

    assert plan.planned == 0
