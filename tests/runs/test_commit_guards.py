"""A commit that names what it does counts once, whoever asks for it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import IntegrityError

from infra_shared.clock import utc_now
from infra_shared.database import database_now
from runs.errors import WrongStateError
from runs.models import Attempt, AttemptStage, CommitGuard, CommitOutcome, Run
from runs.services import outcomes, recording
from runs.services.answers import answer_commit
from runs.services.cancelling import cancel_run
from runs.states import AttemptState, RunState
from tests.support import sample
from webgraph.checkpoint import Checkpoint
from webgraph.errors import FailureKind
from webgraph.recorder import Effect, StageEnd, StageStart, StepIntent

if TYPE_CHECKING:
    from automations.models import AutomationVersion
    from runs.services.claims import Claim

ANNA = "operator:anna"
CRASH = outcomes.Failure(kind=FailureKind.BROWSER_CRASH, message="It went away.", permanent=False)
SHOWN = {"place": "http://shop/", "headings": [], "fields": {}}


def begin(claim: Claim, key: str = "invoice-7", name: str = "order", position: int = 2) -> CommitGuard | None:
    """Begin a commit stage; returns the guard that stands in the way."""
    start = StageStart(
        position=position, name=name, effect=Effect.COMMIT, started_at=utc_now(), effect_key=key
    )
    return recording.stage_started(claim=claim, stage=start)


def finish(claim: Claim, name: str = "order", position: int = 2) -> None:
    """Act, and end a commit stage well."""
    click(claim, name)
    end_well(claim, name, position)


def end_well(claim: Claim, name: str = "order", position: int = 2) -> None:
    """End a commit stage well."""
    end = StageEnd(
        position=position,
        name=name,
        succeeded=True,
        finished_at=utc_now(),
        url="",
        state={"number": "7"},
        value={"order": "7"},
    )
    recording.stage_finished(claim=claim, stage=end)


def click(claim: Claim, stage: str = "order") -> None:
    """Begin to act."""
    step = StepIntent(
        index=1, stage=stage, action="click", description="", target=None, url="", started_at=utc_now()
    )
    recording.step_started(claim=claim, step=step)


def in_doubt(version: AutomationVersion) -> Run:
    """A run whose worker was lost right after the click that counts."""
    run, claim = sample.claimed_run(version)
    begin(claim)
    click(claim)
    outcomes.finish_failed(claim=claim, failure=CRASH)
    return Run.objects.get(pk=run.pk)


def parked_behind(version: AutomationVersion) -> Run:
    """A second run with the same key, which found that nobody knows what became of the first."""
    run, claim = sample.claimed_run(version)
    standing = begin(claim)
    assert standing is not None
    outcomes.finish_parked(claim=claim, guard_id=standing.pk)
    return Run.objects.get(pk=run.pk)


def test_a_second_run_with_the_key_of_a_commit_that_happened_gets_its_outcome(
    version: AutomationVersion,
) -> None:
    _, first = sample.claimed_run(version)
    assert begin(first) is None
    finish(first)
    _, second = sample.claimed_run(version)

    standing = begin(second)

    assert standing is not None
    assert (standing.outcome, standing.run_id) == (CommitOutcome.HAPPENED, first.attempt.run_id)
    assert standing.after is not None
    assert standing.after.reveal()["value"] == {"order": "7"}
    stage = AttemptStage.objects.get(attempt=second.attempt)
    assert (stage.succeeded, stage.happened_before) == (True, standing)


def test_the_database_itself_refuses_a_second_commit_with_the_same_key(version: AutomationVersion) -> None:
    _, claim = sample.claimed_run(version)
    begin(claim)
    guard = CommitGuard.objects.get()
    guard.pk = None

    with pytest.raises(IntegrityError):
        guard.save(force_insert=True)


def test_beginning_a_commit_twice_in_one_attempt_is_the_same_beginning(version: AutomationVersion) -> None:
    _, claim = sample.claimed_run(version)

    assert begin(claim) is None
    assert begin(claim) is None
    assert CommitGuard.objects.count() == 1


def test_a_commit_without_a_key_counts_for_its_run_alone(version: AutomationVersion) -> None:
    for _ in range(2):
        _, claim = sample.claimed_run(version)
        assert begin(claim, key="") is None
        finish(claim)

    assert CommitGuard.objects.filter(outcome=CommitOutcome.HAPPENED).count() == 2


def test_a_commit_stage_that_ended_well_without_acting_keeps_no_key(version: AutomationVersion) -> None:
    _, claim = sample.claimed_run(version)
    begin(claim)

    end_well(claim)

    assert CommitGuard.objects.get().outcome == CommitOutcome.DID_NOT_HAPPEN


def test_a_key_is_free_again_when_nothing_happened(version: AutomationVersion) -> None:
    _, claim = sample.claimed_run(version)
    begin(claim)
    outcomes.finish_failed(claim=claim, failure=CRASH)  # before any step of the stage

    _, second = sample.claimed_run(version)

    assert begin(second) is None
    assert set(CommitGuard.objects.values_list("outcome", flat=True)) == {"did_not_happen", "undecided"}


@pytest.mark.parametrize(("happened", "stands"), [(True, True), (False, False)])
def test_a_run_behind_an_unknown_commit_waits_and_goes_on_when_it_is_known(
    happened: bool, stands: bool, version: AutomationVersion
) -> None:
    first, second = in_doubt(version), parked_behind(version)
    waiting = second.attempts.get(state=AttemptState.QUEUED)
    assert second.state == RunState.RETRY_WAIT
    assert second.short_id not in second.state_reason
    assert first.short_id in second.state_reason
    assert (waiting.due_at > database_now(), second.attempts_made) == (True, 0)

    answer_commit(run=first, happened=happened, note="looked", actor=ANNA)

    waiting.refresh_from_db()
    assert (waiting.due_at <= database_now(), waiting.waits_for) == (True, None)
    Run.objects.filter(pk=first.pk).update(expires_at=database_now())
    Attempt.objects.filter(run=first, state=AttemptState.QUEUED).update(due_at=second.expires_at)
    claim = sample.claim_now(second, version)
    assert (begin(claim) is not None) is stands


def test_a_commit_decided_before_a_run_began_to_wait_lets_it_go_on_at_once(
    version: AutomationVersion,
) -> None:
    first = in_doubt(version)
    run, claim = sample.claimed_run(version)
    standing = begin(claim)
    assert standing is not None
    answer_commit(run=first, happened=True, note="", actor=ANNA)

    outcomes.finish_parked(claim=claim, guard_id=standing.pk)

    assert run.attempts.get(state=AttemptState.QUEUED).due_at <= database_now()


def test_a_cancelled_run_can_still_be_asked_what_became_of_its_commit(version: AutomationVersion) -> None:
    first, second = in_doubt(version), parked_behind(version)
    cancel_run(run=first, actor=ANNA)

    answered = answer_commit(run=first, happened=True, note="there", actor=ANNA)

    assert answered.state == RunState.CANCELLED
    assert second.attempts.get(state=AttemptState.QUEUED).due_at <= database_now()
    with pytest.raises(WrongStateError):
        answer_commit(run=first, happened=True, note="", actor=ANNA)


def test_a_commit_that_happened_before_other_stages_is_left_out_by_another_attempt(
    version: AutomationVersion,
) -> None:
    run, claim = sample.claimed_run(version)
    checkpoint = Checkpoint(
        position=1, stage="look", state={}, url="", page=SHOWN, storage_state={}, session_storage={}
    )
    end = StageEnd(
        position=1, name="look", succeeded=True, finished_at=utc_now(), url="", checkpoint=checkpoint
    )
    recording.stage_finished(claim=claim, stage=end)
    begin(claim, name="earlier")
    click(claim, "earlier")
    outcomes.finish_failed(claim=claim, failure=CRASH)

    answered = answer_commit(run=run, happened=True, note="", actor=ANNA)

    assert answered.state == RunState.RETRY_WAIT
    standing = begin(sample.claim_now(run, version), name="earlier")
    assert standing is not None
    assert standing.outcome == CommitOutcome.HAPPENED


def test_a_waiting_run_is_cancelled_at_once(version: AutomationVersion) -> None:
    in_doubt(version)
    second = parked_behind(version)

    assert cancel_run(run=second, actor=ANNA).state == RunState.CANCELLED
