"""Due schedules become occurrences and runs, each planned time exactly once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from automations.models import Automation, Customer, Schedule
from automations.services import schedules
from automations.services.schedule_input import ScheduleInput
from infra_shared.database import database_now
from infra_shared.models import Alert
from runs.models import Occurrence, Run
from runs.services import scheduling
from runs.states import Cause
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    import pytest

    from automations.models import AutomationVersion


def _wanted(**changes: Any) -> ScheduleInput:
    facts: dict[str, Any] = {
        "name": "Every minute",
        "automation": Automation.objects.get(key="sample"),
        "customer": Customer.objects.get(key="main"),
        "kind": "interval",
        "every_seconds": 60,
        "params": {"city": "Riga"},
    }
    return ScheduleInput(**(facts | changes))


def _behind(schedule: Schedule, minutes: int) -> datetime:
    """Put a schedule's watermark so many minutes back, as after an outage; returns the watermark."""
    watermark = database_now() - timedelta(minutes=minutes, seconds=5)
    Schedule.objects.filter(pk=schedule.pk).update(
        anchor_at=watermark, planned_until=watermark, next_fire_at=watermark + timedelta(minutes=1)
    )
    return watermark


def _schedule(**changes: Any) -> Schedule:
    return schedules.create_schedule(wanted=_wanted(**changes), actor="test")


def test_a_due_time_fires_one_run_with_its_cause(version: AutomationVersion) -> None:
    schedule = _schedule()
    watermark = _behind(schedule, 1)

    assert scheduling.fire_due_schedules() == 1
    assert scheduling.fire_due_schedules() == 0

    occurrence = Occurrence.objects.get()
    assert (occurrence.fire_at, occurrence.state) == (watermark + timedelta(minutes=1), "fired")
    assert occurrence.run is not None
    assert occurrence.run.cause == Cause.SCHEDULE


def test_times_that_passed_during_an_outage_are_coalesced_into_the_latest(
    version: AutomationVersion,
) -> None:
    schedule = _schedule()
    watermark = _behind(schedule, 4)

    assert scheduling.fire_due_schedules() == 1

    states = list(Occurrence.objects.order_by("fire_at").values_list("state", flat=True))
    assert states == ["coalesced", "coalesced", "coalesced", "fired"]
    schedule.refresh_from_db()
    assert schedule.planned_until == watermark + timedelta(minutes=4)


def test_a_long_outage_is_worked_off_in_portions_and_fires_once(
    version: AutomationVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduling, "ROWS_AT_ONCE", 3)
    _behind(_schedule(), 8)

    fired = [scheduling.fire_due_schedules() for _ in range(4)]

    assert sum(fired) == 1
    assert Occurrence.objects.count() == 8
    assert Run.objects.count() == 1


def test_two_dispatchers_make_one_occurrence(version: AutomationVersion) -> None:
    schedule = _schedule()
    watermark = _behind(schedule, 1)
    scheduling.fire_due_schedules()
    _restore = Schedule.objects.filter(pk=schedule.pk)
    _restore.update(planned_until=watermark, next_fire_at=watermark + timedelta(minutes=1))

    assert scheduling.fire_due_schedules() == 0

    assert Occurrence.objects.count() == 1
    assert Run.objects.count() == 1


def test_params_that_no_longer_fit_are_refused_with_the_reason(version: AutomationVersion) -> None:
    schedule = _schedule()
    _behind(schedule, 1)
    Schedule.objects.update(params={"town": "Riga"})

    scheduling.fire_due_schedules()

    occurrence = Occurrence.objects.get()
    assert occurrence.state == "refused"
    assert "city" in occurrence.reason
    assert [alert.key for alert in Alert.objects.all()] == [f"schedule-refused:{schedule.pk}"]


def test_one_broken_schedule_does_not_delay_another(version: AutomationVersion) -> None:
    broken, sound = _schedule(name="Broken"), _schedule(name="Sound")
    _behind(broken, 2)
    _behind(sound, 1)
    Schedule.objects.filter(pk=broken.pk).update(
        time_zone="Not/AZone", kind="cron", cron="* * * * *", every_seconds=None
    )

    assert scheduling.fire_due_schedules() == 1

    broken.refresh_from_db()
    assert broken.next_fire_at is not None
    assert broken.next_fire_at > database_now()
    assert Occurrence.objects.get().schedule == sound


def test_a_paused_schedule_does_not_fire_and_resumes_from_now(version: AutomationVersion) -> None:
    schedule = _schedule()
    schedules.pause_schedule(schedule=schedule, reason="maintenance", actor="test")
    Schedule.objects.update(planned_until=database_now() - timedelta(hours=1))
    assert scheduling.fire_due_schedules() == 0

    schedules.resume_schedule(schedule=schedule, actor="test")

    # The database's clock may still show the millisecond in which it was resumed.
    wait_until(lambda: not scheduling.fire_due_schedules() and Occurrence.objects.exists(), 5, what="the row")
    assert set(Occurrence.objects.values_list("state", "reason")) == {("skipped", "paused: maintenance")}
    assert not Run.objects.exists()


def test_changing_the_rule_fires_nothing_of_the_past(version: AutomationVersion) -> None:
    schedule = _schedule()
    _behind(schedule, 30)

    schedules.change_schedule(schedule=schedule, wanted=_wanted(every_seconds=300), actor="test")

    assert scheduling.fire_due_schedules() == 0


def test_lateness_is_the_time_between_plan_and_row(version: AutomationVersion) -> None:
    occurrence = Occurrence(
        fire_at=datetime(2026, 1, 1, tzinfo=UTC), handled_at=datetime(2026, 1, 1, 0, 0, 2, tzinfo=UTC)
    )

    assert occurrence.lateness == timedelta(seconds=2)
