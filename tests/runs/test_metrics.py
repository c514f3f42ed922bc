"""What is measured of runs is what happened."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.conf import settings

from automations.models import Customer, Overlap
from infra_shared.database import database_now
from runs.models import (
    Attempt,
    Node,
    Occurrence,
    OccurrenceState,
    StorageDay,
    StorageQuota,
    WorkerProcess,
)
from runs.services import scheduling
from runs.services.limits import set_limit
from runs.services.nodes import drain_node, stop_node
from runs.services.pauses import pause
from tests.support import counted, sample, schedules
from tests.support.metrics import measured

if TYPE_CHECKING:
    from automations.models import AutomationVersion
    from tests.support.runs_factory import RunsFactory

pytestmark = pytest.mark.django_db


def test_runs_are_counted_open_by_state_and_ended_by_outcome(runs_factory: RunsFactory) -> None:
    for _ in range(2):
        runs_factory.succeeded()
        runs_factory.requested()
    runs_factory.failed()
    runs_factory.waiting_for_a_person()

    found = measured()

    mine = "automation=shop-invoices"
    assert found[f"automation_runs_open{{{mine},state=queued}}"] == 2
    assert found[f"automation_runs_open{{{mine},state=waiting_input}}"] == 1
    assert found[f"automation_runs_open{{{mine},state=running}}"] == 0
    assert found[f"automation_runs_ended_total{{{mine},outcome=succeeded}}"] == 2
    assert found[f"automation_runs_ended_total{{{mine},outcome=failed}}"] == 1
    assert found[f"automation_runs_ended_total{{{mine},outcome=cancelled}}"] == 0
    assert found[f"automation_runs_succeeded_seconds_total{{{mine}}}"] > 0
    assert found[f"automation_runs_failures_total{{{mine},failure_kind=target_not_found}}"] == 1


def test_a_queue_says_what_waits_for_a_worker_and_what_for_something_else(version: AutomationVersion) -> None:
    sample.start_process(version, queue="idle")
    run = sample.ask()
    Attempt.objects.filter(run=run).update(due_at=database_now() - timedelta(minutes=5))

    found = measured()
    pause(scope="customer:main", reason="They move.", actor="test")
    paused = measured()

    assert found["automation_queue_waiting_attempts{queue=default}"] == 1
    assert 300 <= found["automation_queue_oldest_waiting_seconds{queue=default}"] < 400
    assert found["automation_queue_due_attempts{queue=idle}"] == 0
    assert paused["automation_queue_due_attempts{queue=default}"] == 1
    assert paused["automation_queue_waiting_attempts{queue=default}"] == 0


def test_lateness_is_from_when_it_was_due_and_leaves_out_who_was_told_to_wait(
    version: AutomationVersion,
) -> None:
    now = database_now()
    plain, queued = schedules.make(), schedules.make(name="Queued", overlap=Overlap.QUEUE)
    for schedule, late, offset in ((plain, 10, 4), (plain, 40, 0), (queued, 500, 0)):
        Occurrence.objects.create(
            schedule=schedule,
            fire_at=now - timedelta(seconds=late),
            state=OccurrenceState.FIRED,
            handled_at=now,
            offset_seconds=offset,
        )

    found = measured()

    assert found["automation_schedule_hour_occurrences{state=fired}"] == 3
    assert found["automation_schedule_hour_lateness_max_seconds"] == pytest.approx(40)
    assert found["automation_schedule_hour_lateness_sum_seconds"] == pytest.approx(46)
    assert found["automation_schedule_hour_lateness_count"] == 2


def test_a_schedule_that_no_dispatcher_sees_is_overdue(version: AutomationVersion) -> None:
    schedules.put_behind(schedules.make(), 10)

    overdue = measured()["automation_schedule_overdue_seconds"]
    scheduling.fire_due_schedules()

    assert 540 <= overdue < 640
    assert measured()["automation_schedule_overdue_seconds"] == 0


def test_processes_work_are_free_or_silent(version: AutomationVersion) -> None:
    sample.claimed_run(version)
    for pid in (2, 3):
        sample.start_process(version, pid=pid)
    lost = WorkerProcess.objects.get(pid=3)
    sample.silence(lost.pk)
    WorkerProcess.objects.filter(pk=lost.pk).update(heartbeat_at=database_now() - timedelta(minutes=3))

    found = measured()

    for state in ("working", "free", "silent"):
        assert found[f"automation_worker_processes{{queue=default,state={state}}}"] == 1
    assert 180 <= found["automation_worker_oldest_heartbeat_seconds{queue=default}"] < 280


def test_nodes_are_alive_draining_gone_or_stopped(version: AutomationVersion) -> None:
    nodes = [sample.start_process(version, pid=pid).node for pid in range(1, 6)]
    drain_node(node_id=nodes[0].pk)
    stop_node(node_id=nodes[1].pk)
    silent_since = database_now() - 4 * settings.LEASE
    Node.objects.filter(pk=nodes[2].pk).update(heartbeat_at=silent_since)

    found = measured()

    states = {
        state: found[f"automation_nodes{{state={state}}}"]
        for state in ("alive", "draining", "gone", "stopped")
    }
    assert states == {"alive": 2, "draining": 1, "gone": 1, "stopped": 1}
    assert found["automation_nodes_oldest_heartbeat_seconds"] < settings.LEASE.total_seconds()


def test_slots_are_held_of_limits_and_the_operators_word_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    counted.install(monkeypatch, processes=2)
    counted.begun(counted.ask(account="a"))
    counted.begun(counted.ask(account="b"))
    set_limit(key="key:account-b", most=3, starts_per_minute=None, actor="test")

    found = measured()

    assert found["automation_slots_held{kind=key}"] == 2
    assert found["automation_slots_limit{kind=key}"] == 4
    assert found["automation_slots_full_limits{kind=key}"] == 1
    assert found["automation_slots_held{kind=customer}"] == 0


def test_what_is_kept_is_measured_and_who_is_nearest_to_a_quota() -> None:
    small, large = (Customer.objects.create(key=key, name=key) for key in ("small", "large"))
    for customer, kept in ((small, 300), (large, 5_000)):
        StorageDay.objects.create(customer=customer, day=database_now().date(), kept_bytes=kept, kept_files=1)

    without = measured()["automation_storage_fullest_quota_ratio"]
    StorageQuota.objects.create(customer=small, most_bytes=400, set_by="test")
    StorageQuota.objects.create(customer=large, most_bytes=50_000, set_by="test")
    found = measured()

    assert without == 0
    assert found["automation_storage_kept_bytes"] == 5_300
    assert found["automation_storage_fullest_quota_ratio"] == 0.75
