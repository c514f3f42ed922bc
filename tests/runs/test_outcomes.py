"""How attempts end and what follows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from automations.definitions import define
from infra_shared.clock import utc_now
from infra_shared.database import database_now
from infra_shared.models import Alert
from runs.errors import LostClaimError
from runs.models import Attempt, Run, Slot, WorkerProcess
from runs.services import dispatching, outcomes, recording
from runs.services.cancelling import cancel_run
from runs.services.claims import stop_reason
from runs.states import AttemptState, RunState
from tests.support import sample
from webgraph.errors import FailureKind
from webgraph.recorder import Effect, StageStart, StepIntent, StepOutcome

if TYPE_CHECKING:
    from automations.models import AutomationVersion
    from runs.services.claims import Claim

NAVIGATION = outcomes.Failure(
    kind=FailureKind.NAVIGATION, message="The site did not answer.", permanent=False
)


def _begin_commit(claim: Claim, action: str) -> None:
    now = utc_now()
    stage = StageStart(position=2, name="order", effect=Effect.COMMIT, started_at=now)
    recording.stage_started(claim=claim, stage=stage)
    step = StepIntent(
        index=1, stage="order", action=action, description="", target=None, url="", started_at=now
    )
    recording.step_started(claim=claim, step=step)


def _fail_step(claim: Claim, kind: FailureKind) -> None:
    outcome = StepOutcome(
        index=1,
        succeeded=False,
        finished_at=utc_now() + timedelta(seconds=1),
        duration_seconds=1.0,
        url="",
        failure_kind=kind,
    )
    recording.step_finished(claim=claim, step=outcome)


def test_a_result_ends_the_run_as_succeeded(version: AutomationVersion) -> None:
    run, claim = sample.claimed_run(version)

    outcomes.finish_succeeded(claim=claim, result={"rows": 3})

    run.refresh_from_db()
    assert (run.state, run.result, run.attempts_made) == (RunState.SUCCEEDED, {"rows": 3}, 1)
    assert WorkerProcess.objects.get().current_attempt is None


def test_a_retryable_failure_is_followed_by_another_attempt(version: AutomationVersion) -> None:
    run, claim = sample.claimed_run(version)

    outcomes.finish_failed(claim=claim, failure=NAVIGATION)

    run.refresh_from_db()
    assert run.state == RunState.RETRY_WAIT
    assert [attempt.state for attempt in run.attempts.order_by("number")] == ["failed", "queued"]


def test_a_permanent_failure_ends_the_run_and_alerts_once(version: AutomationVersion) -> None:
    failure = outcomes.Failure(kind=FailureKind.TARGET_NOT_FOUND, message="No button.", permanent=True)
    first, claim = sample.claimed_run(version)
    outcomes.finish_failed(claim=claim, failure=failure)
    _, second_claim = sample.claimed_run(version)
    outcomes.finish_failed(claim=second_claim, failure=failure)

    first.refresh_from_db()
    assert (first.state, first.failure_kind) == (RunState.FAILED, "target_not_found")
    assert [(row.rule, row.count) for row in Alert.objects.open()] == [("failure", 2)]


def test_the_last_attempt_s_failure_ends_the_run(version: AutomationVersion) -> None:
    run, claim = sample.claimed_run(version)
    Run.objects.filter(pk=run.pk).update(attempts_made=2)

    outcomes.finish_failed(claim=claim, failure=NAVIGATION)

    run.refresh_from_db()
    assert (run.state, run.attempts_made) == (RunState.FAILED, 3)


def test_an_expired_lease_returns_the_run_to_the_queue_at_once(version: AutomationVersion) -> None:
    run, claim = sample.claimed_run(version)
    sample.silence(claim.attempt.worker_id)

    assert dispatching.reap_lost_attempts() == 1

    lost, following = run.attempts.order_by("number")
    assert lost.state == AttemptState.LOST
    assert following.due_at <= database_now()


def test_an_attempt_its_worker_dropped_is_lost(version: AutomationVersion) -> None:
    _, claim = sample.claimed_run(version)
    WorkerProcess.objects.update(current_attempt=None)

    assert dispatching.reap_lost_attempts() == 1
    assert Attempt.objects.get(pk=claim.attempt.pk).state == AttemptState.LOST


def test_a_fresh_lease_is_not_reaped(version: AutomationVersion) -> None:
    sample.claimed_run(version)

    assert dispatching.reap_lost_attempts() == 0


def test_a_frozen_worker_s_late_writes_are_refused(version: AutomationVersion) -> None:
    run, claim = sample.claimed_run(version)
    sample.silence(claim.attempt.worker_id)
    dispatching.reap_lost_attempts()

    with pytest.raises(LostClaimError):
        outcomes.finish_succeeded(claim=claim, result={"late": True})
    with pytest.raises(LostClaimError):
        _begin_commit(claim, "click")

    run.refresh_from_db()
    assert run.result is None
    assert stop_reason(claim) == "lease_lost"


@pytest.mark.parametrize("end", ["lost", "failed", "cancelled"])
def test_a_commit_of_unknown_end_waits_for_a_person(end: str, version: AutomationVersion) -> None:
    run, claim = sample.claimed_run(version)
    _begin_commit(claim, "click")

    if end == "lost":
        sample.silence(claim.attempt.worker_id)
        dispatching.reap_lost_attempts()
    elif end == "failed":
        outcomes.finish_failed(claim=claim, failure=NAVIGATION)
    else:
        cancel_run(run=Run.objects.get(pk=run.pk), actor="operator:anna")
        outcomes.finish_cancelled(claim=claim)

    run.refresh_from_db()
    assert run.state == RunState.WAITING_INPUT
    assert run.attempts.count() == 1


def test_a_commit_whose_button_was_never_found_is_retried(version: AutomationVersion) -> None:
    run, claim = sample.claimed_run(version)
    _begin_commit(claim, "click")
    _fail_step(claim, FailureKind.TARGET_NOT_FOUND)

    outcomes.finish_failed(claim=claim, failure=NAVIGATION)

    run.refresh_from_db()
    assert run.state == RunState.RETRY_WAIT


def test_a_working_run_is_cancelled_by_its_worker(version: AutomationVersion) -> None:
    run, claim = sample.claimed_run(version)
    assert stop_reason(claim) is None

    cancel_run(run=Run.objects.get(pk=run.pk), actor="operator:anna")
    assert stop_reason(claim) == "cancelled"
    outcomes.finish_cancelled(claim=claim)

    run.refresh_from_db()
    assert run.state == RunState.CANCELLED


def test_an_attempt_past_its_deadline_ends_even_if_nobody_answers(version: AutomationVersion) -> None:
    run, claim = sample.claimed_run(version)
    Attempt.objects.update(deadline_at=database_now() - timedelta(minutes=5))
    Run.objects.update(attempts_made=2)

    assert stop_reason(claim) == "deadline"
    assert dispatching.reap_overdue_attempts() == 1

    run.refresh_from_db()
    assert (run.state, run.failure_kind) == (RunState.TIMED_OUT, "timeout")


def test_a_run_that_nobody_can_take_expires_with_the_reason(version: AutomationVersion) -> None:
    run = sample.ask()
    Run.objects.update(expires_at=database_now() - timedelta(seconds=1))

    assert dispatching.expire_waiting_runs() == 1

    run.refresh_from_db()
    assert run.state == RunState.EXPIRED
    assert "No live node serves the queue" in run.failure_message
    assert run.attempts.get().state == AttemptState.CANCELLED


@pytest.mark.parametrize("way", ["success", "failure", "loss"])
def test_slots_are_freed_in_every_way_an_attempt_can_end(
    way: str, monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    version = sample.publish(monkeypatch, define(sample.Sample), max_concurrent=1)
    _, claim = sample.claimed_run(version)
    assert Slot.objects.get().attempt == claim.attempt

    {"success": _succeed, "failure": _fail, "loss": _lose}[way](claim)

    assert not Slot.objects.filter(attempt=claim.attempt).exists()


def _succeed(claim: Claim) -> None:
    outcomes.finish_succeeded(claim=claim, result=None)


def _fail(claim: Claim) -> None:
    outcomes.finish_failed(claim=claim, failure=NAVIGATION)


def _lose(claim: Claim) -> None:
    sample.silence(claim.attempt.worker_id)
    dispatching.reap_lost_attempts()


def test_an_unknown_worker_never_finishes_anything(version: AutomationVersion) -> None:
    _, claim = sample.claimed_run(version)
    Attempt.objects.filter(pk=claim.attempt.pk).update(fence=claim.fence + 1, worker_name=str(uuid4()))

    with pytest.raises(LostClaimError):
        outcomes.finish_failed(claim=claim, failure=NAVIGATION)
