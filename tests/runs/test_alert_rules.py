"""What the rules find wrong, and when they find it right again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError

from automations.models import Schedule
from automations.services.schedules import pause_schedule
from infra_shared.database import database_now
from infra_shared.models import Alert, AlertChannel, OutboxMessage
from runs.models import Attempt, FailureFamily, Occurrence, OccurrenceState, Run
from runs.services import outcomes
from runs.services.alert_rules import look_after_alerts
from runs.services.pauses import pause
from runs.states import RunState
from tests.support.runs_factory import RunsFactory, make_factory, moment_ago
from tests.support.schedules import make
from webgraph.errors import FailureKind

pytestmark = pytest.mark.django_db


@pytest.fixture
def factory(runs_factory: RunsFactory) -> RunsFactory:
    """The shop's runs, with a channel that takes every alert."""
    AlertChannel.objects.create(name="ops", kind="email", place="ops@example.org")
    return runs_factory


@pytest.fixture
def schedule(factory: RunsFactory) -> Schedule:
    """A schedule that has not fired yet."""
    make_factory(key="sample", title="Sample")
    return make()


def _open() -> list[str]:
    return sorted(Alert.objects.open().values_list("rule", flat=True))


def _told() -> list[str]:
    return list(OutboxMessage.objects.order_by("pk").values_list("purpose", flat=True))


def test_failures_of_one_family_are_one_alert_and_one_message(factory: RunsFactory) -> None:
    for _ in range(2):
        factory.failed("The button 17 was not there.")
    factory.failed("The shop is closed.")

    families = {row.key: row.count for row in Alert.objects.of_rules("failure")}
    known = {f"failure:{family.pk}": family.count for family in FailureFamily.objects.all()}
    assert families == known
    assert sorted(families.values()) == [1, 2]
    assert Alert.objects.of_rules("failure")[0].customer == "main"


def test_a_failure_and_its_mail_are_written_together_or_not_at_all(
    factory: RunsFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise OperationalError("the disk of the database is full")

    claim = factory.claimed()
    monkeypatch.setattr("infra_shared.services.outbox.enqueue_mail", breaks)

    with pytest.raises(OperationalError):
        factory.fail(claim, FailureKind.TARGET_NOT_FOUND, "No button.")

    assert Run.objects.get().state == RunState.RUNNING
    assert not Alert.objects.exists()
    monkeypatch.undo()
    factory.fail(claim, FailureKind.TARGET_NOT_FOUND, "No button.")
    assert (Run.objects.get().state, _told()) == (RunState.FAILED, ["opened"])


def test_a_streak_is_an_alert_of_its_own(factory: RunsFactory, settings: object) -> None:
    for number in range(3):
        assert "streak" not in _open()
        factory.failed(f"Something else every time: {'x' * number}")

    streak = Alert.objects.get(rule="streak")
    assert streak.title.endswith("failed 3 times in a row")
    assert streak.severity == "critical"


def test_a_success_closes_what_failed_and_says_so(factory: RunsFactory) -> None:
    factory.failed()
    look_after_alerts()
    assert _open() == ["failure"]

    factory.succeeded()
    look_after_alerts()

    assert _open() == []
    assert _told() == ["opened", "recovered"]


def test_the_success_of_another_automation_closes_nothing(factory: RunsFactory) -> None:
    factory.failed()
    make_factory(key="other", title="Another").succeeded()

    assert look_after_alerts() == {"open": 0, "closed": 0}


def test_runs_that_wait_for_a_person_are_one_alert_until_none_waits(factory: RunsFactory) -> None:
    first, second = factory.waiting_for_a_person(), factory.asking()
    assert Alert.objects.get(rule="person").count == 2

    Run.objects.filter(pk=first.pk).update(state=RunState.RUNNING)
    look_after_alerts()
    assert _open() == ["person"]
    Run.objects.filter(pk=second.pk).update(state=RunState.RUNNING)
    look_after_alerts()

    assert _open() == []


def test_a_queue_nobody_serves_is_an_alert_until_its_run_is_taken_up(factory: RunsFactory) -> None:
    run = factory.requested()
    assert look_after_alerts()["open"] == 0

    Attempt.objects.filter(run=run).update(due_at=moment_ago(minutes=11))
    look_after_alerts()
    assert Alert.objects.open().get().key == "queue:default"
    outcomes.expire_run(run=run, reason="nobody serves it", actor="system")
    look_after_alerts()

    assert _open() == ["failure"]


def test_what_a_pause_keeps_back_makes_no_queue_stuck(factory: RunsFactory) -> None:
    run = factory.requested()
    Attempt.objects.filter(run=run).update(due_at=moment_ago(minutes=11))
    pause(scope=f"automation:{run.automation.key}", reason="the site is being rebuilt", actor="test")

    assert look_after_alerts()["open"] == 0


def test_what_waits_for_a_slot_makes_no_queue_stuck(factory: RunsFactory) -> None:
    run = factory.requested()
    Attempt.objects.filter(run=run).update(due_at=moment_ago(minutes=11))
    Run.objects.filter(pk=run.pk).update(state=RunState.WAITING_SLOT)

    assert look_after_alerts()["open"] == 0


@pytest.mark.parametrize(
    ("state", "late", "is_wrong"),
    [("fired", 60, False), ("fired", 300, True), ("missed", 0, True), ("skipped", 300, False)],
)
def test_a_time_that_fired_late_or_was_missed_is_an_alert(
    schedule: Schedule, state: str, late: int, is_wrong: bool
) -> None:
    _handled(schedule, state, late)

    look_after_alerts()
    look_after_alerts()

    assert [row.count for row in Alert.objects.of_rules("schedule-late")] == [1] * is_wrong


def test_lateness_by_the_schedule_s_own_spread_is_none(schedule: Schedule) -> None:
    Occurrence.objects.filter(pk=_handled(schedule, "fired", 300).pk).update(offset_seconds=290)

    assert look_after_alerts()["open"] == 0


def test_a_schedule_that_is_due_and_does_not_fire_is_an_alert_until_it_fires_in_time(
    schedule: Schedule, factory: RunsFactory
) -> None:
    overdue = {"next_fire_at": moment_ago(minutes=5), "planned_until": moment_ago(minutes=6)}
    Schedule.objects.update(**overdue)
    for _ in range(3):
        look_after_alerts()
    assert Alert.objects.get(rule="schedule-late").count == 1

    Schedule.objects.update(next_fire_at=database_now() + timedelta(minutes=1))
    look_after_alerts()
    assert _open() == ["schedule-late"]
    _handled(schedule, "fired", 0, run=factory.requested())
    look_after_alerts()

    assert _open() == []


def test_pausing_a_late_schedule_closes_its_alert(schedule: Schedule) -> None:
    _handled(schedule, "missed", 0)
    look_after_alerts()

    pause_schedule(schedule=schedule, reason="", actor="operator:anna")
    look_after_alerts()
    look_after_alerts()

    assert _open() == []


def _handled(schedule: Schedule, state: str, late: int, run: Run | None = None) -> Occurrence:
    """A planned time that was handled so many seconds late, just now."""
    now = database_now()
    return Occurrence.objects.create(
        schedule=schedule,
        fire_at=now - timedelta(seconds=late),
        state=OccurrenceState(state),
        handled_at=now,
        run=run,
    )
