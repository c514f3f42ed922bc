"""What a person says about a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra_shared.clock import utc_now
from infra_shared.models import AuditLine
from runs.errors import InvalidRequestError, WrongStateError
from runs.models import Run
from runs.services import dispatching, outcomes, recording
from runs.services.answers import answer_commit, pin_run, resolve_failure
from runs.states import RunState
from tests.support import sample
from webgraph.errors import FailureKind
from webgraph.recorder import Effect, StageStart, StepIntent

if TYPE_CHECKING:
    from automations.models import AutomationVersion

ANNA = "operator:anna"


def _waiting(version: AutomationVersion, stage: str = "order") -> Run:
    """A run whose attempt was lost right after it clicked in a commit stage."""
    run, claim = sample.claimed_run(version)
    now = utc_now()
    recording.stage_started(
        claim=claim, stage=StageStart(position=2, name=stage, effect=Effect.COMMIT, started_at=now)
    )
    recording.step_started(
        claim=claim,
        step=StepIntent(
            index=1, stage=stage, action="click", description="", target=None, url="", started_at=now
        ),
    )
    sample.silence(claim.attempt.worker_id)
    dispatching.reap_lost_attempts()
    return Run.objects.get(pk=run.pk)


def test_a_commit_that_happened_in_the_last_stage_ends_the_run_as_succeeded(
    version: AutomationVersion,
) -> None:
    run = answer_commit(run=_waiting(version), happened=True, note="seen in the shop", actor=ANNA)

    assert (run.state, run.failure_kind) == (RunState.SUCCEEDED, "")
    assert AuditLine.objects.get(action="run.answer").reason == "seen in the shop"


def test_a_commit_that_happened_before_the_last_stage_ends_the_run_as_failed_with_the_note(
    version: AutomationVersion,
) -> None:
    run = answer_commit(run=_waiting(version, "earlier"), happened=True, note="paid", actor=ANNA)

    assert run.state == RunState.FAILED
    assert "paid" in run.failure_message


def test_a_commit_that_did_not_happen_starts_another_attempt(version: AutomationVersion) -> None:
    run = answer_commit(run=_waiting(version), happened=False, note="nothing there", actor=ANNA)

    assert run.state == RunState.RETRY_WAIT
    assert list(run.attempts.order_by("number").values_list("state", flat=True)) == ["lost", "queued"]


def test_an_answer_counts_once(version: AutomationVersion) -> None:
    run = _waiting(version)
    answer_commit(run=run, happened=False, note="", actor=ANNA)

    with pytest.raises(WrongStateError):
        answer_commit(run=run, happened=True, note="", actor="operator:bert")


def test_a_failure_is_open_until_it_is_resolved_with_a_note(version: AutomationVersion) -> None:
    run, claim = sample.claimed_run(version)
    failure = outcomes.Failure(kind=FailureKind.AUTH, message="Refused.", permanent=True)
    outcomes.finish_failed(claim=claim, failure=failure)
    assert Run.objects.open_failures().count() == 1

    with pytest.raises(InvalidRequestError):
        resolve_failure(run=run, note=" ", actor=ANNA)
    assert resolve_failure(run=run, note="password renewed", actor=ANNA)
    assert not resolve_failure(run=run, note="again", actor=ANNA)

    assert Run.objects.open_failures().count() == 0


def test_only_a_failure_can_be_resolved(version: AutomationVersion) -> None:
    with pytest.raises(WrongStateError):
        resolve_failure(run=sample.ask(), note="fine", actor=ANNA)


def test_a_run_is_pinned_and_let_go(version: AutomationVersion) -> None:
    run = sample.ask()

    assert pin_run(run=run, pinned=True, actor=ANNA)
    assert not pin_run(run=run, pinned=True, actor=ANNA)
    assert pin_run(run=run, pinned=False, actor=ANNA)
    assert AuditLine.objects.filter(action__in=["run.pin", "run.unpin"]).count() == 2
