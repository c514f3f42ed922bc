"""Due attempts get a slot and a ticket, in order of turn, and never more tickets than free processes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django_q.models import OrmQ

from automations.definitions import define
from infra_shared.database import database_now
from runs.dispatcher import Dispatcher
from runs.models import Attempt, Node, Run, Slot
from runs.services import dispatching, nodes
from runs.states import AttemptState, RunState
from tests.support import sample

if TYPE_CHECKING:
    from automations.models import AutomationVersion


def _tickets() -> list[int]:
    return [ticket.task["args"][0] for ticket in OrmQ.objects.order_by("pk")]


def _unreachable() -> None:
    raise OperationalError("the server is away")


def test_a_due_attempt_gets_one_ticket(version: AutomationVersion) -> None:
    sample.start_process(version)
    run = sample.ask()

    assert dispatching.dispatch_due_attempts() == 1
    assert dispatching.dispatch_due_attempts() == 0

    assert _tickets() == [run.attempts.get().pk]


def test_a_ticket_that_vanished_is_made_again(version: AutomationVersion) -> None:
    sample.start_process(version)
    sample.ask()
    dispatching.dispatch_due_attempts()
    OrmQ.objects.all().delete()
    Attempt.objects.update(ticketed_at=database_now() - dispatching.TICKET_LIFE - timedelta(seconds=1))

    assert dispatching.dispatch_due_attempts() == 1


def test_no_more_tickets_than_free_processes_and_the_higher_priority_first(
    version: AutomationVersion,
) -> None:
    sample.start_process(version)
    sample.ask()
    urgent = sample.ask(priority=5)

    assert dispatching.dispatch_due_attempts() == 1

    assert _tickets() == [urgent.attempts.get().pk]


def test_a_ticket_claimed_twice_runs_once(version: AutomationVersion) -> None:
    process = sample.start_process(version)
    run = sample.ask()
    dispatching.dispatch_due_attempts()

    first, second = sample.claim(run, process), sample.claim(run, process)

    assert first is not None
    assert second is None


def test_an_attempt_that_is_not_due_is_not_claimed(version: AutomationVersion) -> None:
    process = sample.start_process(version)
    run = sample.ask(due_at=database_now() + timedelta(hours=1))

    assert dispatching.dispatch_due_attempts() == 0
    assert sample.claim(run, process) is None


def test_a_node_without_the_version_gets_no_ticket(version: AutomationVersion) -> None:
    sample.start_process(version)
    Node.objects.update(versions=["another"])
    sample.ask()

    assert dispatching.dispatch_due_attempts() == 0


@pytest.mark.parametrize("state", ["silent", "draining", "busy"])
def test_a_process_that_is_not_free_gets_no_ticket(state: str, version: AutomationVersion) -> None:
    _, claim = sample.claimed_run(version)
    if state != "busy":
        Attempt.objects.filter(pk=claim.attempt.pk).delete()
    if state == "silent":
        sample.silence(claim.attempt.worker_id)
    if state == "draining":
        Node.objects.update(draining_since=database_now())
    sample.ask()

    assert dispatching.dispatch_due_attempts() == 0


def test_a_full_limit_makes_the_run_wait_for_a_slot(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    version = sample.publish(monkeypatch, define(sample.Sample), max_concurrent=1)
    sample.claimed_run(version)
    sample.start_process(version, pid=2)
    second = sample.ask()

    assert dispatching.dispatch_due_attempts() == 0
    second.refresh_from_db()
    assert second.state == RunState.WAITING_SLOT

    Slot.objects.all().delete()
    assert dispatching.dispatch_due_attempts() == 1
    second.refresh_from_db()
    assert second.state == RunState.QUEUED


def test_an_idle_tick_writes_nothing_and_opens_no_transaction(version: AutomationVersion) -> None:
    dispatcher = Dispatcher(lease=timedelta(seconds=0))

    with CaptureQueriesContext(
        connection,
    ) as queries:
        dispatcher.tick()

    statements = [query["sql"].split()[0].upper() for query in queries]
    assert set(statements) == {"SELECT"}
    assert len(statements) <= 12


def test_a_dispatcher_that_could_not_tick_waits_one_lease_before_it_reaps(
    version: AutomationVersion,
) -> None:
    _, claim = sample.claimed_run(version)
    sample.silence(claim.attempt.worker_id)
    moments = iter([0.0, 1.0, 1.1, 30.0, 30.1, 51.0, 51.1])
    dispatcher = Dispatcher(lease=timedelta(seconds=20), monotonic=lambda: next(moments))

    dispatcher.tick()  # at 1 s: it has just started
    dispatcher.tick()  # at 30 s: it missed more than a heartbeat, and waits again
    assert Attempt.objects.get(pk=claim.attempt.pk).state == AttemptState.RUNNING


def test_a_dispatcher_that_ticked_for_a_lease_reaps(version: AutomationVersion) -> None:
    run, claim = sample.claimed_run(version)
    sample.silence(claim.attempt.worker_id)
    dispatcher = Dispatcher(lease=timedelta(seconds=0))

    dispatcher.tick()

    assert Attempt.objects.get(pk=claim.attempt.pk).state == AttemptState.LOST
    assert Run.objects.get(pk=run.pk).state == RunState.RETRY_WAIT


def test_a_dispatcher_that_waited_for_the_write_lock_does_not_reap_who_may_have_waited_too(
    version: AutomationVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, claim = sample.claimed_run(version)
    now = 0.0
    dispatcher = Dispatcher(lease=timedelta(seconds=20), monotonic=lambda: now)
    while now < 21:
        now += 4
        dispatcher.tick()
    sample.silence(claim.attempt.worker_id)

    def held_for_half_a_minute() -> None:
        nonlocal now
        now += 30

    monkeypatch.setattr("runs.dispatcher.await_write_lock", held_for_half_a_minute)
    dispatcher.tick()

    assert Attempt.objects.get(pk=claim.attempt.pk).state == AttemptState.RUNNING


def test_ticks_that_fail_are_no_sign_that_the_database_is_there(
    version: AutomationVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, claim = sample.claimed_run(version)
    now = 0.0
    dispatcher = Dispatcher(lease=timedelta(seconds=20), monotonic=lambda: now)
    while now < 21:
        now += 4
        dispatcher.tick()
    with monkeypatch.context() as away:
        away.setattr("runs.services.scheduling.fire_due_schedules", _unreachable)
        for _ in range(30):
            now += 1
            with pytest.raises(OperationalError):
                dispatcher.tick()
    sample.silence(claim.attempt.worker_id)

    dispatcher.tick()

    assert Attempt.objects.get(pk=claim.attempt.pk).state == AttemptState.RUNNING


def test_the_spare_tick_looks_twice_at_who_is_silent(version: AutomationVersion) -> None:
    _, claim = sample.claimed_run(version)
    worker_id = claim.attempt.worker_id
    assert worker_id is not None
    sample.silence(worker_id)

    def beat_meanwhile(_seconds: float) -> None:
        nodes.beat_process(process_id=worker_id)

    reaped = dispatching.reap_forgotten_attempts(silent_for=timedelta(), sleep=beat_meanwhile)
    sample.silence(worker_id)

    assert reaped == 0
    assert dispatching.reap_forgotten_attempts(silent_for=timedelta(), sleep=lambda _seconds: None) == 1
