"""Every planned time ends as one row with its reason, whatever happens to the schedule."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connections

from automations.models import Misfire, Schedule
from automations.services import schedules
from automations.services.params import check_params
from infra_shared.database import database_now
from infra_shared.models import Alert, AuditLine
from runs.models import Occurrence, Run
from runs.services import schedule_health, schedule_trials, scheduling
from runs.states import RunState
from tests.support.schedules import ACTOR, end, ledger, make, next_minute, put_behind, run_of, wanted
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from automations.models import AutomationVersion

pytestmark = pytest.mark.usefixtures("version")


def alerts() -> list[str]:
    """The rules of the alerts that are open."""
    return list(Alert.objects.open().values_list("rule", flat=True))


def test_skip_writes_what_passed_as_missed_and_fires_what_is_just_late() -> None:
    schedule = make(misfire=Misfire.SKIP)
    put_behind(schedule, 4)

    scheduling.fire_due_schedules()

    assert ledger(schedule) == ["missed", "missed", "missed", "fired"]
    assert "more than its grace of 0:00:30" in Occurrence.objects.order_by("fire_at")[0].reason


def test_all_fires_the_last_ones_over_several_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduling, "FIRES_AT_ONCE", 2)
    schedule = make(misfire=Misfire.ALL, misfire_limit=5)
    put_behind(schedule, 8)

    fired = [scheduling.fire_due_schedules() for _ in range(4)]

    assert fired == [2, 2, 2, 0]
    assert ledger(schedule) == ["missed", "missed", *["fired"] * 6]


def test_a_single_time_fires_once_and_plans_nothing_more() -> None:
    schedule = make(kind="once", every_seconds=None, once_at=database_now() + timedelta(hours=1))
    past = database_now() - timedelta(seconds=5)
    planned_until = past - timedelta(seconds=1)
    rows = Schedule.objects.filter(pk=schedule.pk)
    rows.update(once_at=past, planned_until=planned_until, next_fire_at=past)

    assert [scheduling.fire_due_schedules() for _ in range(2)] == [1, 0]

    schedule.refresh_from_db()
    assert (ledger(schedule), schedule.next_fire_at) == (["fired"], None)


def test_a_spread_schedule_fires_later_than_planned_and_is_not_late_for_it() -> None:
    schedule = make(spread_seconds=3600)
    offset = schedule.offset
    assert schedule.next_fire_at is not None
    assert schedule.next_fire_at - schedule.planned_until == timedelta(seconds=60) + offset
    put_behind(schedule, 1)
    assert scheduling.fire_due_schedules() == 0

    put_behind(schedule, 1 + int(offset.total_seconds() // 60) + 1)
    scheduling.fire_due_schedules()

    first = Occurrence.objects.order_by("fire_at")[0]
    assert first.due_at - first.fire_at == offset
    assert first.lateness < timedelta(minutes=2)


def test_the_planned_time_is_filled_into_params_in_the_schedule_s_zone() -> None:
    schedule = make(params={"city": "{{ fire_at - 1 day:%Y-%m-%d %H:%M }}"}, time_zone="Asia/Kathmandu")
    watermark = put_behind(schedule, 1)

    scheduling.fire_due_schedules()

    local = watermark + timedelta(minutes=1) + timedelta(hours=5, minutes=45) - timedelta(days=1)
    assert run_of(schedule).params["city"] == f"{local:%Y-%m-%d %H:%M}"


def test_what_is_planned_during_a_pause_is_written_as_skipped_with_the_reason() -> None:
    schedule = make()
    put_behind(schedule, 3)
    schedules.pause_schedule(schedule=schedule, reason="holidays", actor=ACTOR)

    assert scheduling.fire_due_schedules() == 0

    assert ledger(schedule) == ["skipped"] * 3
    assert set(Occurrence.objects.values_list("reason", flat=True)) == {"paused: holidays"}


@pytest.mark.parametrize("end_of_plan", ["change", "delete"])
def test_times_a_change_of_plan_left_behind_are_missed_and_never_fire(
    end_of_plan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduling, "ROWS_AT_ONCE", 3)
    schedule = make()
    put_behind(schedule, 5)
    if end_of_plan == "change":
        changed = wanted(every_seconds=300)
        schedules.change_schedule(schedule=schedule, wanted=changed, actor=ACTOR)
    else:
        schedules.delete_schedule(schedule=schedule, actor=ACTOR)

    fired: set[int] = set()

    def is_written() -> bool:
        # Not in one go: the database's clock may still show the millisecond of the change.
        fired.add(scheduling.fire_due_schedules())
        schedule.refresh_from_db()
        return not schedule.unwritten

    wait_until(is_written, 5, what="the rows of the old plan")
    assert fired == {0}
    assert ledger(schedule) == ["missed"] * 5
    assert "before it could fire" in Occurrence.objects.latest("fire_at").reason
    assert (schedule.next_fire_at is None) == (end_of_plan == "delete")


def test_a_deleted_schedule_keeps_its_occurrences_and_their_runs() -> None:
    schedule = make()
    put_behind(schedule, 1)
    scheduling.fire_due_schedules()

    assert schedules.delete_schedule(schedule=schedule, actor=ACTOR)
    assert not schedules.delete_schedule(schedule=schedule, actor=ACTOR)

    assert not Schedule.objects.present().exists()
    assert run_of(schedule).occurrence.schedule == schedule
    assert AuditLine.objects.filter(action="schedule.delete").count() == 1


def test_a_schedule_whose_runs_fail_in_a_row_pauses_itself_with_an_alert() -> None:
    schedule = make(pause_after_failures=2)
    put_behind(schedule, 1)
    scheduling.fire_due_schedules()
    end(run_of(schedule), RunState.FAILED)
    next_minute(schedule)
    end(run_of(schedule), RunState.CANCELLED)
    next_minute(schedule)
    assert schedule_health.pause_failing_schedules() == 0
    end(run_of(schedule), RunState.TIMED_OUT)

    assert next_minute(schedule) == 0

    schedule.refresh_from_db()
    assert schedule.pause_reason == "paused by itself: its last 2 runs failed"
    assert ledger(schedule) == ["fired", "fired", "fired", "skipped"]
    assert alerts() == ["schedule-paused"]


def test_failures_before_it_was_resumed_do_not_pause_it_again() -> None:
    schedule = make(pause_after_failures=1)
    put_behind(schedule, 1)
    scheduling.fire_due_schedules()
    end(run_of(schedule), RunState.FAILED)
    assert schedule_health.pause_failing_schedules() == 1

    schedules.resume_schedule(schedule=schedule, actor=ACTOR)

    assert schedule_health.pause_failing_schedules() == 0


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Params whose check never returns for the city of Atlantis, until the event is set."""
    over = threading.Event()

    def check(*, version: AutomationVersion, params: dict[str, Any]) -> dict[str, Any]:
        if params["city"] == "Atlantis":
            over.wait()
        return check_params(version=version, params=params)

    monkeypatch.setattr(schedule_trials, "check_params", check)
    monkeypatch.setattr(schedule_trials, "TRIAL_SECONDS", 0.2)
    monkeypatch.setattr(schedule_trials, "_hanging", {})
    yield over
    over.set()


def test_a_schedule_that_hangs_does_not_delay_another(hanging: threading.Event) -> None:
    stuck, sound = make(name="Stuck", params={"city": "Atlantis"}), make(name="Sound")
    put_behind(stuck, 2)
    put_behind(sound, 1)

    assert scheduling.fire_due_schedules() == 1

    assert (ledger(stuck), ledger(sound)) == ([], ["fired"])
    assert alerts() == ["schedule-broken"]
    hanging.set()
    next(iter(schedule_trials._hanging.values())).join()
    next_minute(stuck)
    assert ledger(stuck) == ["coalesced", "coalesced", "fired"]


def test_a_trial_that_hangs_is_not_begun_twice(hanging: threading.Event) -> None:
    stuck = make(params={"city": "Atlantis"})
    before = threading.active_count()

    for _ in range(3):
        put_behind(stuck, 1)
        scheduling.fire_due_schedules()

    assert threading.active_count() == before + 1


@pytest.mark.django_db(transaction=True)
def test_many_dispatchers_at_once_make_one_row_for_each_planned_time() -> None:
    made = [make(name=f"Number {number}", misfire=Misfire.ALL, misfire_limit=100) for number in range(4)]
    for schedule in made:
        put_behind(schedule, 6)
    together = threading.Barrier(4)
    errors: list[Exception] = []

    def dispatch() -> None:
        together.wait()
        try:
            for _ in range(5):
                scheduling.fire_due_schedules()
        except Exception as error:  # noqa: BLE001 - the test's thread tells it
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=dispatch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert [ledger(schedule) for schedule in made] == [["fired"] * 6] * 4
    assert Run.objects.count() == 24
