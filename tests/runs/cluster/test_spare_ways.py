"""What still happens when the usual way is gone: no dispatcher at all, no ticket left."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django_q.models import OrmQ

from automations.models import Automation, Customer
from automations.services import registry
from automations.services.schedule_input import ScheduleInput
from automations.services.schedules import create_schedule
from infra_shared.database import database_now
from runs import tasks
from runs.models import Attempt, Node, Run, WorkerProcess
from runs.services import outcomes
from runs.services.requests import Origin, RunRequest, request_run
from runs.states import TERMINAL_RUNS, AttemptState, Cause, RunState
from tests.support import sample, schedules
from tests.support.node import READY_SECONDS
from tests.support.waiting import wait_until
from webgraph.errors import FailureKind

if TYPE_CHECKING:
    from datetime import datetime

    from automations.models import AutomationVersion, Schedule

SPARE_SECONDS = 120


@pytest.fixture
def version(db: None, monkeypatch: pytest.MonkeyPatch) -> AutomationVersion:
    """The published version of the sample automation."""
    return sample.install(monkeypatch)


def ask_for_a_snapshot(url: str) -> Run:
    request = RunRequest(automation="page-snapshot", params={"url": url})
    return request_run(request=request, origin=Origin(cause=Cause.COMMAND, actor="command")).run


def schedule_a_snapshot(url: str, *, fire_at: datetime) -> Schedule:
    wanted = ScheduleInput(
        name="Snapshot",
        automation=Automation.objects.get(key="page-snapshot"),
        customer=Customer.objects.get(key="main"),
        kind="once",
        once_at=fire_at,
        params={"url": url},
    )
    return create_schedule(wanted=wanted, actor="test")


def wait_for_a_retry(run: Run) -> Run:
    """Fail the run's first attempt by hand, so that its second one is due; nothing else is left of that."""
    claim = sample.claim_now(run, run.version)
    failure = outcomes.Failure(kind=FailureKind.NAVIGATION, message="No answer.", permanent=False)
    outcomes.finish_failed(claim=claim, failure=failure)
    Attempt.objects.filter(run=run, state=AttemptState.QUEUED).update(due_at=database_now())
    Node.objects.all().delete()
    OrmQ.objects.all().delete()
    return run


def has_ended(run: Run) -> bool:
    return Run.objects.get(pk=run.pk).state in TERMINAL_RUNS


def test_the_spare_tick_starts_a_due_occurrence_and_a_waiting_retry(version):
    run, claim = sample.claimed_run(version)
    failure = outcomes.Failure(kind=FailureKind.NAVIGATION, message="No answer.", permanent=False)
    outcomes.finish_failed(claim=claim, failure=failure)
    Attempt.objects.filter(run=run, state=AttemptState.QUEUED).update(due_at=database_now())
    schedule = schedules.make()
    schedules.put_behind(schedule, 1)
    for pid in (2, 3):
        sample.start_process(version, pid=pid)
    OrmQ.objects.all().delete()

    tasks.spare_tick()

    assert Run.objects.get(pk=run.pk).state == RunState.QUEUED
    assert "fired" in schedules.ledger(schedule)
    assert OrmQ.objects.filter(key="default").count() == 2


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.timeout(400)
def test_without_a_dispatcher_a_due_occurrence_and_a_waiting_retry_begin_within_two_minutes(
    start_node, practice_site
):
    Customer.objects.get_or_create(key="main")
    registry.register_python_automations()
    retried = wait_for_a_retry(ask_for_a_snapshot(practice_site.url))
    start_node("--processes=2", "--no-dispatcher", BROWSER_ALLOW_PRIVATE=practice_site.host_and_port)
    wait_until(lambda: WorkerProcess.objects.count() == 2, READY_SECONDS, what="two worker processes")

    schedule = schedule_a_snapshot(practice_site.url, fire_at=database_now() + timedelta(seconds=1))

    begun = Attempt.objects.filter(started_at__isnull=False)
    fired = begun.filter(run__occurrence__schedule=schedule)
    again = begun.filter(run=retried, number=2)
    wait_until(lambda: fired.exists() and again.exists(), SPARE_SECONDS, what="both to begin")


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.timeout(400)
def test_losing_every_ticket_loses_no_run(start_node, practice_site):
    Customer.objects.get_or_create(key="main")
    start_node("--processes=2", "--no-chores", BROWSER_ALLOW_PRIVATE=practice_site.host_and_port)
    wait_until(WorkerProcess.objects.exists, READY_SECONDS, what="a worker process")
    runs = [ask_for_a_snapshot(practice_site.url) for _ in range(4)]

    lost, begun = 0, database_now()
    while lost < 3 and database_now() - begun < timedelta(seconds=SPARE_SECONDS):
        lost += OrmQ.objects.filter(key="default").delete()[0]

    assert lost >= 3
    wait_until(lambda: all(map(has_ended, runs)), SPARE_SECONDS, what="the runs' end")
    assert {Run.objects.get(pk=run.pk).state for run in runs} == {RunState.SUCCEEDED}
