"""Questions of runs: asked, answered once, withdrawn or left unanswered; and the answers given to the next attempt."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from jsonschema import Draft202012Validator

from automations.errors import FieldProblem
from infra_shared.database import database_now
from infra_shared.redaction import MASK
from infra_shared.services import audit
from runs import lifecycle
from runs.errors import AnswerInvalidError, WrongStateError
from runs.models import Question, Run
from runs.services.alerts import alert_about
from runs.services.claims import Claim, locked_attempt
from runs.states import RunState
from webgraph.errors import FailureKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from uuid import UUID

    from runs.models import Attempt
    from webgraph import recorder

_AT_ONCE = 100


def ask(*, attempt: Attempt, question: recorder.Question, now: datetime) -> Question:
    """Write a question; part of the transaction that lets its run wait for the answer."""
    return Question.objects.create(
        run_id=attempt.run_id,
        attempt=attempt,
        key=question.key[:200],
        stage=question.stage,
        prompt=question.prompt,
        problem=question.problem[:500],
        schema=question.schema,
        hold=question.hold,
        on_timeout=question.on_timeout.value,
        asked_at=now,
        deadline_at=now + timedelta(seconds=question.timeout_seconds),
    )


def reason_of(question: Question | recorder.Question) -> str:
    """Why the run waits, in words."""
    problem = f" (The answer before did not fit: {question.problem})" if question.problem else ""
    return f"{question.prompt}{problem}"


def hold(*, claim: Claim, question: recorder.Question) -> dict[str, Any] | None:
    """Ask a question for which the attempt holds its browser, once; its answer when there is one.

    The attempt stays running while its run waits. Looking for the answer takes no lock. LostClaimError when the attempt
    moved on before it asked.
    """
    rows = Question.objects.filter(attempt_id=claim.attempt.pk, key=question.key)
    asked = rows.filter(problem=question.problem[:500]).last()
    if asked is None:
        _hold(claim, question)
        return None
    return dict(asked.answer.reveal()) if asked.answer is not None else None


@transaction.atomic
def _hold(claim: Claim, question: recorder.Question) -> None:
    attempt = locked_attempt(claim)
    run, now = _locked(attempt.run_id), database_now()
    reason, actor = reason_of(question), f"worker:{attempt.worker_name}"
    waits = lifecycle.move_run(
        run, RunState.WAITING_INPUT, actor=actor, reason=reason, now=now, only_from=(RunState.RUNNING,)
    )
    if waits:  # a run that is being cancelled is asked nothing any more
        ask(attempt=attempt, question=question, now=now)
        alert_about(run, reason)


@transaction.atomic
def answer_question(*, run: Run, answer: Mapping[str, Any], actor: str) -> Run:
    """Answer what a run asks and let it go on; returns it.

    Of two answers the first counts: WrongStateError when the run asks nothing (any more), AnswerInvalidError when the
    answer does not fit the question.
    """
    locked = _locked(run.pk)
    question = open_question(locked)
    if question is None:
        raise WrongStateError(f"The run is {locked.get_state_display().lower()}: it asks nothing.")
    _check(question, answer)
    now = database_now()
    if question.deadline_at <= now:
        raise WrongStateError("The time to answer is over.")
    still_open = Question.objects.open().filter(pk=question.pk)
    if not still_open.update(
        answer=dict(answer), shown_answer=_shown(question, answer), answered_by=actor, closed_at=now
    ):
        raise WrongStateError("Somebody answered at the same moment.")
    _go_on(locked, question, actor, now)
    audit.record(
        actor=actor,
        action="run.input",
        object_kind="run",
        object_id=locked.pk,
        customer=locked.customer.key,
        details={"question": question.prompt, "stage": question.stage},
    )
    return locked


def open_question(run: Run) -> Question | None:
    """What the run asks now."""
    return run.questions.open().first()


def answers_for(*, run: Run) -> dict[str, dict[str, Any]]:
    """What was answered to the run's questions and is still kept, by their key."""
    kept = run.questions.filter(answer__isnull=False).order_by("pk")
    return {question.key: dict(question.answer.reveal()) for question in kept if question.answer}


def secrets_in(*, run: Run) -> Iterator[str]:
    """The secret values among the answers that are still kept."""
    for question in run.questions.filter(answer__isnull=False):
        answer = question.answer.reveal() if question.answer else {}
        yield from (str(answer[name]) for name in question.secret_fields if answer.get(name))


def forget_secrets(*, run_id: UUID, stage: str) -> None:
    """Erase the answers with secrets that a stage asked for, which has finished and used them."""
    for question in Question.objects.filter(run_id=run_id, stage=stage, answer__isnull=False):
        if question.secret_fields:
            Question.objects.filter(pk=question.pk).update(answer=None)


def withdraw(*, run: Run, now: datetime) -> None:
    """Close what the run asks without an answer."""
    run.questions.open().update(closed_at=now)


def give_up_unanswered() -> int:
    """End every run whose question nobody answered in time, as the question declared; returns how many."""
    waiting = list(Question.objects.of_parked()[:_AT_ONCE])
    if not waiting:
        return 0  # an idle tick asks for the time no more often than it must
    now = database_now()
    return sum(_give_up(question) for question in waiting if question.deadline_at <= now)


@transaction.atomic
def _give_up(question: Question) -> bool:
    run, now = _locked(question.run_id), database_now()
    if not Question.objects.open().filter(pk=question.pk).update(closed_at=now):
        return False
    kind = FailureKind(question.on_timeout)
    message = f"Nobody answered in time: {question.prompt}"
    moved = lifecycle.move_run(
        run,
        RunState.TIMED_OUT if kind is FailureKind.TIMEOUT else RunState.FAILED,
        actor="dispatcher",
        reason=message,
        now=now,
        only_from=(RunState.WAITING_INPUT,),
        failure_kind=kind.value,
        failure_message=message,
        failed_stage=question.stage,
    )
    if moved:
        alert_about(run, message)
    return moved


def _go_on(run: Run, question: Question, actor: str, now: datetime) -> None:
    reason = f"answered: {question.prompt}"
    if question.hold:
        lifecycle.move_run(run, RunState.RUNNING, actor=actor, reason=reason, now=now)
        return
    expires_at = now + settings.QUEUE_TIMEOUT
    lifecycle.move_run(run, RunState.RETRY_WAIT, actor=actor, reason=reason, now=now, expires_at=expires_at)
    number = question.attempt.number + 1
    lifecycle.open_attempt(run=run, number=number, due_at=now, actor=actor, reason=reason, now=now)


def _check(question: Question, answer: Mapping[str, Any]) -> None:
    unknown = sorted(set(answer) - set(question.properties))
    problems = [FieldProblem(name, "The question has no such field.") for name in unknown]
    for error in Draft202012Validator(question.schema).iter_errors(dict(answer)):
        path = [str(part) for part in error.absolute_path]
        # A complaint about a value repeats it, which a secret one must not be.
        is_secret = bool(path) and path[0] in question.secret_fields
        problems.append(FieldProblem(".".join(path), "It does not fit." if is_secret else error.message))
    if problems:
        raise AnswerInvalidError(problems)


def _shown(question: Question, answer: Mapping[str, Any]) -> dict[str, Any]:
    return {name: MASK if name in question.secret_fields else value for name, value in answer.items()}


def _locked(run_id: UUID) -> Run:
    locked = Run.objects.select_for_update(of=("self",))
    return locked.select_related("version", "customer", "automation").get(pk=run_id)
