"""What becomes of a planned time while an earlier run of the schedule has not ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from automations.models import Overlap
from automations.services import schedules
from runs.models import Occurrence
from runs.services import scheduling
from runs.states import RunState
from tests.support.schedules import ACTOR, end, ledger, make, next_minute, put_behind, run_of, wanted

if TYPE_CHECKING:
    from automations.models import Schedule

pytestmark = pytest.mark.usefixtures("version")


def running(overlap: Overlap) -> Schedule:
    """A schedule whose first run is at work."""
    schedule = make(overlap=overlap)
    put_behind(schedule, 1)
    assert scheduling.fire_due_schedules() == 1
    end(run_of(schedule), RunState.RUNNING)
    return schedule


def test_allow_fires_beside_the_run_that_goes_on() -> None:
    assert next_minute(running(Overlap.ALLOW)) == 1


def test_skip_leaves_the_time_out_and_names_the_run_in_its_way() -> None:
    schedule = running(Overlap.SKIP)

    assert next_minute(schedule) == 0

    assert ledger(schedule) == ["fired", "skipped"]
    assert "running" in Occurrence.objects.get(state="skipped").reason
    end(run_of(schedule), RunState.SUCCEEDED)
    assert next_minute(schedule) == 1


def test_queue_lets_one_time_wait_and_fires_it_when_the_run_has_ended() -> None:
    schedule = running(Overlap.QUEUE)

    assert [next_minute(schedule), next_minute(schedule)] == [0, 0]
    assert ledger(schedule) == ["fired", "waiting", "skipped"]
    end(run_of(schedule), RunState.FAILED)

    assert scheduling.fire_due_schedules() == 1
    assert ledger(schedule) == ["fired", "fired", "skipped"]


def test_cancel_running_ends_a_run_that_only_waits_and_fires_at_once() -> None:
    schedule = make(overlap=Overlap.CANCEL_RUNNING)
    put_behind(schedule, 1)
    scheduling.fire_due_schedules()
    first = run_of(schedule)

    assert next_minute(schedule) == 1

    first.refresh_from_db()
    assert (first.state, ledger(schedule)) == ("cancelled", ["fired", "fired"])


def test_cancel_running_fires_when_the_run_at_work_has_ended() -> None:
    schedule = running(Overlap.CANCEL_RUNNING)
    first = run_of(schedule)

    assert next_minute(schedule) == 0
    first.refresh_from_db()
    assert (first.state, ledger(schedule)) == ("cancelling", ["fired", "waiting"])

    end(first, RunState.CANCELLED)
    assert scheduling.fire_due_schedules() == 1
    assert ledger(schedule) == ["fired", "fired"]


def test_cancel_running_keeps_only_the_newest_time_waiting() -> None:
    schedule = running(Overlap.CANCEL_RUNNING)

    next_minute(schedule)
    next_minute(schedule)

    assert ledger(schedule) == ["fired", "coalesced", "waiting"]


def test_a_run_that_waits_for_a_person_is_not_cancelled_by_the_machine() -> None:
    schedule = running(Overlap.CANCEL_RUNNING)
    run = run_of(schedule)
    end(run, RunState.WAITING_INPUT)

    assert next_minute(schedule) == 0

    run.refresh_from_db()
    assert (run.state, ledger(schedule)) == ("waiting_input", ["fired", "waiting"])


@pytest.mark.parametrize(
    ("interruption", "reason"),
    [
        ("pause", "paused: maintenance"),
        ("delete", "the schedule was deleted while it waited"),
        ("change", "the schedule was changed or resumed while it waited"),
    ],
)
def test_a_time_that_waits_does_not_outlive_the_plan_it_is_from(interruption: str, reason: str) -> None:
    schedule = running(Overlap.QUEUE)
    next_minute(schedule)
    match interruption:
        case "pause":
            schedules.pause_schedule(schedule=schedule, reason="maintenance", actor=ACTOR)
        case "delete":
            schedules.delete_schedule(schedule=schedule, actor=ACTOR)
        case _:
            changed = wanted(overlap=Overlap.QUEUE, every_seconds=300)
            schedules.change_schedule(schedule=schedule, wanted=changed, actor=ACTOR)
    end(run_of(schedule), RunState.SUCCEEDED)

    assert scheduling.fire_due_schedules() == 0

    row = Occurrence.objects.exclude(state="fired").get()
    assert (row.state, row.reason) == ("skipped", reason)
