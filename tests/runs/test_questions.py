"""What a run asks a person, and what the answer lets it do."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from infra_shared.database import database_now
from infra_shared.models import AuditLine
from runs.errors import AnswerInvalidError, WrongStateError
from runs.models import Attempt, Question, Run, Slot
from runs.services import dispatching, outcomes, questions, recording
from runs.services.cancelling import cancel_run
from runs.services.claims import stop_reason
from runs.states import AttemptState, RunState
from tests.support import sample
from webgraph.errors import FailureKind
from webgraph.recorder import StageEnd

if TYPE_CHECKING:
    from automations.models import AutomationVersion
    from runs.services.claims import Claim

ANNA, BERT = "operator:anna", "operator:bert"
CODE = {"code": "246810", "remember": True}


def held(version: AutomationVersion) -> tuple[Run, Claim]:
    """A run whose attempt holds its browser for an answer."""
    run, claim = sample.claimed_run(version)
    assert questions.hold(claim=claim, question=sample.question(hold=True)) is None
    return Run.objects.get(pk=run.pk), claim


def test_a_question_parks_the_attempt_and_costs_neither_a_try_nor_a_slot(version: AutomationVersion) -> None:
    run = sample.asking_run(version)

    attempt = run.attempts.get()
    assert (run.state, run.state_reason) == (RunState.WAITING_INPUT, "Which code did the shop send?")
    assert (attempt.state, attempt.free, run.attempts_made) == (AttemptState.PARKED, True, 0)
    assert not Slot.objects.exists()


def test_an_answer_opens_the_next_attempt_at_once(version: AutomationVersion) -> None:
    run = questions.answer_question(run=sample.asking_run(version), answer=CODE, actor=ANNA)

    assert run.state == RunState.RETRY_WAIT
    assert run.attempts.get(state=AttemptState.QUEUED).due_at <= database_now()
    assert questions.answers_for(run=run) == {"order-1": CODE}
    assert "246810" not in str(AuditLine.objects.get(action="run.input").details)


def test_of_two_answers_the_first_counts(version: AutomationVersion) -> None:
    run = sample.asking_run(version)
    questions.answer_question(run=run, answer=CODE, actor=ANNA)

    with pytest.raises(WrongStateError):
        questions.answer_question(run=run, answer={"code": "135791"}, actor=BERT)

    assert questions.answers_for(run=run) == {"order-1": CODE}


def test_an_answer_that_does_not_fit_is_refused_without_repeating_a_secret(
    version: AutomationVersion,
) -> None:
    run = sample.asking_run(version)

    with pytest.raises(AnswerInvalidError) as refusal:
        questions.answer_question(run=run, answer={"code": "246", "pin": 1}, actor=ANNA)

    assert [problem.field for problem in refusal.value.problems] == ["pin", "code"]
    assert "246" not in str(refusal.value)
    assert questions.open_question(run) is not None


def test_a_secret_answer_is_encrypted_and_erased_when_its_stage_has_used_it(
    version: AutomationVersion,
) -> None:
    run = questions.answer_question(run=sample.asking_run(version), answer=CODE, actor=ANNA)
    with connection.cursor() as cursor:
        cursor.execute("SELECT answer, shown_answer FROM runs_question")
        assert "246810" not in str(cursor.fetchall())
    claim = sample.claim_now(run, version)

    end = StageEnd(position=2, name="order", succeeded=True, finished_at=database_now(), url="")
    recording.stage_finished(claim=claim, stage=end)

    question = Question.objects.get()
    assert (question.answer, question.shown_answer) == (None, {"code": "•••", "remember": True})


def test_nobody_s_answer_ends_the_run_as_the_question_declared(version: AutomationVersion) -> None:
    run = sample.asking_run(version)
    assert questions.give_up_unanswered() == 0
    Question.objects.update(deadline_at=database_now() - timedelta(seconds=1))

    assert questions.give_up_unanswered() == 1

    run.refresh_from_db()
    assert (run.state, run.failure_kind, run.failed_stage) == (RunState.FAILED, "auth", "order")
    with pytest.raises(WrongStateError):
        questions.answer_question(run=run, answer=CODE, actor=ANNA)


def test_a_held_question_keeps_the_attempt_running_until_its_answer_arrives(
    version: AutomationVersion,
) -> None:
    run, claim = held(version)
    assert (run.state, stop_reason(claim)) == (RunState.WAITING_INPUT, None)

    answered = questions.answer_question(run=run, answer=CODE, actor=ANNA)

    assert answered.state == RunState.RUNNING
    assert run.attempts.get().state == AttemptState.RUNNING
    assert questions.hold(claim=claim, question=sample.question(hold=True)) == CODE
    outcomes.finish_succeeded(claim=claim, result={})
    assert Question.objects.get().answer is None


def test_a_worker_lost_while_it_held_a_question_is_followed_by_another_attempt(
    version: AutomationVersion,
) -> None:
    run, claim = held(version)
    sample.silence(claim.attempt.worker_id)

    assert dispatching.reap_lost_attempts() == 1

    run.refresh_from_db()
    assert run.state == RunState.RETRY_WAIT
    assert questions.open_question(run) is None
    assert list(run.attempts.order_by("number").values_list("state", flat=True)) == ["lost", "queued"]


def test_a_run_is_cancelled_while_its_attempt_holds_a_question(version: AutomationVersion) -> None:
    run, claim = held(version)

    assert cancel_run(run=run, actor=ANNA).state == RunState.CANCELLING
    assert stop_reason(claim) == "cancelled"
    outcomes.finish_cancelled(claim=claim)

    run.refresh_from_db()
    assert run.state == RunState.CANCELLED
    assert questions.open_question(run) is None


def test_a_run_that_asks_is_cancelled_at_once(version: AutomationVersion) -> None:
    run = cancel_run(run=sample.asking_run(version), actor=ANNA)

    assert run.state == RunState.CANCELLED
    assert not Question.objects.open().exists()
    assert not Attempt.objects.filter(state=AttemptState.QUEUED).exists()


def test_a_question_asked_while_the_run_was_being_cancelled_is_not_asked(version: AutomationVersion) -> None:
    run, claim = sample.claimed_run(version)
    cancel_run(run=run, actor=ANNA)

    outcomes.finish_parked(claim=claim, question=sample.question())

    run.refresh_from_db()
    assert (run.state, Question.objects.count()) == (RunState.CANCELLED, 0)


def test_a_kind_of_time_out_ends_the_run_as_timed_out(version: AutomationVersion) -> None:
    run = sample.asking_run(version, on_timeout=FailureKind.TIMEOUT)
    Question.objects.update(deadline_at=database_now() - timedelta(seconds=1))

    questions.give_up_unanswered()

    run.refresh_from_db()
    assert run.state == RunState.TIMED_OUT
