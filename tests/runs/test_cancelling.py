"""A cancelled run ends cancelled, wherever it was and whoever does not obey."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings

from infra_shared.database import database_now
from runs.errors import LostClaimError, WrongStateError
from runs.models import Attempt, Node, Question, Run, WorkerProcess
from runs.services import dispatching, draining, nodes, outcomes, questions, recording
from runs.services.cancelling import cancel_run
from runs.states import AttemptState, RunState
from tests.support import sample
from webgraph.recorder import Effect, StageStart, StepIntent


def state_of(run: Run) -> str:
    return Run.objects.get(pk=run.pk).state


def begin_commit(claim) -> None:
    now = database_now()
    stage = StageStart(position=1, name="order", effect=Effect.COMMIT, started_at=now)
    recording.stage_started(claim=claim, stage=stage)
    step = StepIntent(
        index=1, stage="order", action="click", description="Order", target=None, url="", started_at=now
    )
    recording.step_started(claim=claim, step=step)


def test_what_a_cancelled_run_asked_cannot_be_answered_any_more(version):
    run = sample.asking_run(version)

    cancel_run(run=run, actor="operator:anna")

    assert state_of(run) == RunState.CANCELLED
    assert not Question.objects.open().exists()
    with pytest.raises(WrongStateError, match="it asks nothing"):
        questions.answer_question(run=run, answer={"code": "246810"}, actor="operator:anna")


def test_a_held_question_is_withdrawn_and_its_attempt_told_to_stop(version):
    run, claim = sample.claimed_run(version)
    questions.hold(claim=claim, question=sample.question(hold=True))

    cancel_run(run=run, actor="operator:anna")

    assert state_of(run) == RunState.CANCELLING
    assert not Question.objects.open().exists()
    outcomes.finish_cancelled(claim=claim)
    assert state_of(run) == RunState.CANCELLED


def test_a_run_whose_worker_went_silent_while_it_was_cancelled_is_cancelled_not_lost(version):
    run, claim = sample.claimed_run(version)
    cancel_run(run=run, actor="operator:anna")
    sample.silence(claim.attempt.worker_id)

    assert dispatching.reap_lost_attempts() == 1

    run.refresh_from_db()
    attempt = Attempt.objects.get(run=run)
    assert (run.state, run.failure_kind) == (RunState.CANCELLED, "cancelled")
    assert (attempt.state, attempt.failure_kind) == (AttemptState.CANCELLED, "cancelled")
    assert "went silent" in attempt.failure_message


def test_a_cancelled_commit_of_unknown_end_waits_for_a_person(version):
    run, claim = sample.claimed_run(version)
    begin_commit(claim)
    cancel_run(run=run, actor="operator:anna")
    sample.silence(claim.attempt.worker_id)

    dispatching.reap_lost_attempts()

    assert state_of(run) == RunState.WAITING_INPUT


def test_a_process_whose_attempt_was_reaped_is_not_free_before_it_lets_go(version):
    _, claim = sample.claimed_run(version)
    process = WorkerProcess.objects.get()
    sample.silence(process.pk)

    dispatching.reap_lost_attempts()
    nodes.beat_process(process_id=process.pk)

    assert not WorkerProcess.objects.free(database_now()).exists()
    assert nodes.processes_found_wanting(node_id=process.node_id) == []
    long_ago = database_now() - settings.STOP_GRACE - timedelta(minutes=2)
    Attempt.objects.filter(pk=claim.attempt.pk).update(finished_at=long_ago)
    assert nodes.processes_found_wanting(node_id=process.node_id) == [process]


def test_what_a_node_told_to_end_at_once_had_in_hand_goes_back_without_being_counted(version):
    run, claim = sample.claimed_run(version)

    assert draining.hand_back_attempts(node_id=Node.objects.get().pk) == 1

    run.refresh_from_db()
    first, second = Attempt.objects.filter(run=run)
    assert (run.state, run.attempts_made) == (RunState.RETRY_WAIT, 0)
    assert (first.state, first.free, second.state) == (AttemptState.CANCELLED, True, AttemptState.QUEUED)
    assert second.due_at <= database_now()
    with pytest.raises(LostClaimError):
        outcomes.finish_succeeded(claim=claim, result={})


def test_a_commit_that_a_node_dropped_waits_for_a_person(version):
    run, claim = sample.claimed_run(version)
    begin_commit(claim)

    draining.hand_back_attempts(node_id=Node.objects.get().pk)

    assert state_of(run) == RunState.WAITING_INPUT


def test_a_node_that_was_asked_to_leave_is_given_no_ticket_and_loses_none(version):
    process = sample.start_process(version)
    run = sample.ask()
    dispatching.dispatch_due_attempts()  # a ticket is under way to it

    assert draining.ask_to_drain(node=process.node, actor="operator:anna")
    assert not draining.ask_to_drain(node=process.node, actor="operator:ben")
    Attempt.objects.update(ticketed_at=database_now() - dispatching.TICKET_LIFE * 2)
    assert dispatching.dispatch_due_attempts() == 0
    other = sample.start_process(version, pid=2)
    assert dispatching.dispatch_due_attempts() == 1

    assert sample.claim(run, other) is not None


def test_heavy_work_waits_for_a_node_that_serves_its_queue(version):
    sample.start_process(version, queue="default")
    Run.objects.filter(pk=sample.ask().pk).update(queue="heavy")
    Attempt.objects.update(queue="heavy")

    assert dispatching.dispatch_due_attempts() == 0
    sample.start_process(version, queue="heavy", pid=2)
    assert dispatching.dispatch_due_attempts() == 1
