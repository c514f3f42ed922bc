"""How attempts end, and what follows: success, another attempt, a person, or the run's end."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction

from infra_shared.database import database_now
from runs import lifecycle
from runs.commits import may_have_happened
from runs.models import Artifact, Attempt, Run, WorkerProcess
from runs.retry_policy import FREE_CRASHES, Verdict, judge
from runs.services import breakers, guards, questions, session_doors, turns
from runs.services.alerts import alert_about
from runs.services.claims import Claim, locked_attempt
from runs.services.slots import free_slots
from runs.states import AttemptState, RunState
from webgraph.errors import FailureKind
from webgraph.recorder import Effect

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from webgraph.recorder import Question

_WITHOUT_FAILURE: dict[str, Any] = {"failure_kind": "", "failure_message": "", "failed_stage": ""}
UNKNOWN_COMMIT = (
    "A step that counts once was begun and its end is unknown. Check the site, then say what happened."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an attempt failed. `message` is one redacted sentence for people.

    `lost_with_others` says that it lost a browser it shared with other attempts.
    """

    kind: FailureKind
    message: str
    permanent: bool
    stage: str = ""
    retry_after: timedelta | None = None
    lost_with_others: bool = False


@transaction.atomic
def finish_succeeded(
    *,
    claim: Claim,
    result: dict[str, Any] | None,
    result_artifact: Artifact | None = None,
    browser: dict[str, Any] | None = None,
) -> None:
    """End the attempt and its run as succeeded; LostClaimError when the attempt moved on."""
    attempt, actor, now = _held(claim)
    reason = "the automation returned its result"
    _move(attempt, AttemptState.SUCCEEDED, actor, reason, now, browser=browser or {})
    breakers.note_end(attempt=attempt, now=now)
    _release(attempt)
    run = _lock_run(attempt)
    lifecycle.move_run(
        run,
        RunState.SUCCEEDED,
        actor=actor,
        reason=reason,
        now=now,
        result=result,
        result_artifact=result_artifact,
        **_WITHOUT_FAILURE,
        attempts_made=run.attempts_made + 1,
    )


@transaction.atomic
def finish_failed(*, claim: Claim, failure: Failure, browser: dict[str, Any] | None = None) -> None:
    """End the attempt as failed (or timed out), and decide what follows; LostClaimError when it moved on."""
    attempt, actor, now = _held(claim)
    state = AttemptState.TIMED_OUT if failure.kind is FailureKind.TIMEOUT else AttemptState.FAILED
    free = failure.lost_with_others and crashes_survived(run_id=attempt.run_id) < FREE_CRASHES
    _end(attempt, state, failure, actor, now, facts={"browser": browser or {}, "free": free})


def crashes_survived(*, run_id: UUID) -> int:
    """How many attempts of a run ended with a browser they shared, and did not count."""
    return Attempt.objects.filter(run_id=run_id, free=True, failure_kind=FailureKind.BROWSER_CRASH).count()


@transaction.atomic
def finish_parked(
    *,
    claim: Claim,
    question: Question | None = None,
    guard_id: int | None = None,
    browser: dict[str, Any] | None = None,
) -> None:
    """End the attempt on purpose, without counting it: its run waits for an answer, another's commit, or another's login.

    LostClaimError when the attempt moved on.
    """
    attempt, actor, now = _held(claim)
    words = "it waits for another run to sign in"
    if question is not None or guard_id is not None:
        words = f"it asks: {question.prompt}" if question else "it waits to hear about a commit"
    _move(attempt, AttemptState.PARKED, actor, words, now, browser=browser or {}, free=True)
    breakers.note_end(attempt=attempt, now=now)
    _release(attempt)
    run = _lock_run(attempt)
    if run.state == RunState.CANCELLING:
        lifecycle.move_run(run, RunState.CANCELLED, actor=actor, reason="cancelled as asked", now=now)
    elif question is not None:
        reason = questions.reason_of(questions.ask(attempt=attempt, question=question, now=now))
        lifecycle.move_run(
            run, RunState.WAITING_INPUT, actor=actor, reason=reason, now=now, **_WITHOUT_FAILURE
        )
        alert_about(run, reason)
    elif guard_id is not None:
        _wait_for_commit(run, attempt, guard_id, actor, now)
    else:
        _retry(
            run, attempt, Verdict(retry=True, delay=timedelta(), reason=words), actor, now, _WITHOUT_FAILURE
        )


@transaction.atomic
def finish_cancelled(*, claim: Claim, browser: dict[str, Any] | None = None) -> None:
    """End the attempt of a run that is being cancelled; LostClaimError when it moved on."""
    attempt, actor, now = _held(claim)
    failure = Failure(kind=FailureKind.CANCELLED, message="The run was cancelled.", permanent=True)
    _end(attempt, AttemptState.CANCELLED, failure, actor, now, facts={"browser": browser or {}})


@transaction.atomic
def reap_lost(*, attempt: Attempt, actor: str) -> bool:
    """End an attempt whose lease expired as lost, and decide what follows; False when it had moved on."""
    failure = Failure(
        kind=FailureKind.WORKER_LOST,
        message=f"The worker process {attempt.worker_name or 'unknown'} went silent in the middle of the attempt.",
        permanent=False,
    )
    still_expired = Attempt.objects.lease_expired(database_now()).filter(pk=attempt.pk, fence=attempt.fence)
    if not still_expired.exists():
        return False
    return _reap(attempt, AttemptState.LOST, failure, actor)


@transaction.atomic
def reap_overdue(*, attempt: Attempt, actor: str) -> bool:
    """End an attempt that outlived its deadline as timed out; False when it had moved on."""
    failure = Failure(
        kind=FailureKind.TIMEOUT,
        message="The attempt did not finish within its deadline and did not stop by itself.",
        permanent=False,
    )
    return _reap(attempt, AttemptState.TIMED_OUT, failure, actor)


@transaction.atomic
def hand_back(*, attempt: Attempt, actor: str) -> bool:
    """End an attempt whose node was told to end at once and has killed it; False when it had moved on.

    Nothing about the run was at fault: another attempt begins at once, and this one does not count. A run that was
    being cancelled is cancelled, and a commit of unknown end waits for a person, as after any other end.
    """
    message = "The node was told to end at once, in the middle of the attempt."
    failure = Failure(kind=FailureKind.CANCELLED, message=message, permanent=False)
    verdict = Verdict(retry=True, delay=timedelta(), reason="its node was told to end at once")
    return _end(
        attempt, AttemptState.CANCELLED, failure, actor, database_now(), verdict=verdict, facts={"free": True}
    )


def _reap(attempt: Attempt, state: AttemptState, failure: Failure, actor: str) -> bool:
    """End an attempt over the head of its worker process, which keeps it in hand until it lets go or is killed."""
    if Run.objects.filter(pk=attempt.run_id, state=RunState.CANCELLING).exists():
        state = AttemptState.CANCELLED
        message = f"The run was cancelled. {failure.message}"
        failure = Failure(kind=FailureKind.CANCELLED, message=message, permanent=True)
    return _end(attempt, state, failure, actor, database_now(), still_held=True)


def _wait_for_commit(run: Run, attempt: Attempt, guard_id: int, actor: str, now: datetime) -> None:
    """Open the attempt that goes on when it is known what became of another run's commit."""
    reason = "it waits to hear about a commit"
    lifecycle.move_run(run, RunState.RETRY_WAIT, actor=actor, reason=reason, now=now, **_WITHOUT_FAILURE)
    following = lifecycle.open_attempt(
        run=run, number=attempt.number + 1, due_at=now, actor=actor, reason=reason, now=now
    )
    guard = guards.wait_for(guard_id=guard_id, attempt=following)
    titles = {stage["name"]: stage.get("title") for stage in run.version.stages}
    words = titles.get(guard.stage) or guard.stage
    Run.objects.filter(pk=run.pk).update(
        state_reason=f"It waits to hear whether “{words}” happened in {guard.where}."
    )


@transaction.atomic
def expire_run(*, run: Run, reason: str, actor: str) -> bool:
    """End a run that waited too long for an attempt to begin; False when it had moved on."""
    now = database_now()
    if not lifecycle.move_run(
        run, RunState.EXPIRED, actor=actor, reason=reason, now=now, failure_message=reason
    ):
        return False
    drop_waiting_attempts(run=run, actor=actor, reason=reason, now=now)
    alert_about(run, reason)
    return True


def drop_waiting_attempts(*, run: Run, actor: str, reason: str, now: datetime) -> None:
    """Cancel the queued attempt of a run that will not be attempted any more."""
    for attempt in Attempt.objects.filter(run=run, state=AttemptState.QUEUED):
        lifecycle.move_attempt(attempt, AttemptState.CANCELLED, actor=actor, reason=reason, now=now)
        _wake(_freed(attempt))


def _held(claim: Claim) -> tuple[Attempt, str, datetime]:
    attempt = locked_attempt(claim)
    return attempt, f"worker:{attempt.worker_name}", database_now()


def _end(  # noqa: PLR0913 - the end of an attempt has that many facts
    attempt: Attempt,
    state: AttemptState,
    failure: Failure,
    actor: str,
    now: datetime,
    *,
    facts: dict[str, Any] | None = None,
    verdict: Verdict | None = None,
    still_held: bool = False,
) -> bool:
    """End an attempt that did not succeed and move its run on; False when the attempt had moved on.

    `verdict` says what follows where that is not for the retry policy to say. What is `still_held` stays in the hands of
    its worker process, which is free for other work only when it lets go.
    """
    if not _move(
        attempt,
        state,
        actor,
        failure.message,
        now,
        failure_kind=failure.kind.value,
        failure_message=failure.message,
        failed_stage=failure.stage,
        **(facts or {}),
    ):
        return False
    breakers.note_end(attempt=attempt, now=now, retry_after=failure.retry_after)
    freed = _freed(attempt)
    if not still_held:
        _let_go(attempt)
    run = _lock_run(attempt)
    _end_hold(run, actor, now)
    run.attempts_made += 0 if attempt.free else 1
    _follow(run, attempt, failure, verdict or _verdict(run, failure, now, free=attempt.free), actor, now)
    _wake(freed)
    return True


def _follow(
    run: Run, attempt: Attempt, failure: Failure, verdict: Verdict, actor: str, now: datetime
) -> None:
    """Write what follows an attempt that did not succeed: a person, the end, or the next attempt."""
    facts: dict[str, Any] = {
        "failure_kind": failure.kind.value,
        "failure_message": failure.message,
        "failed_stage": failure.stage,
        "attempts_made": run.attempts_made,
    }
    if _commit_unknown(attempt):
        if lifecycle.move_run(
            run, RunState.WAITING_INPUT, actor=actor, reason=UNKNOWN_COMMIT, now=now, **facts
        ):
            alert_about(run, UNKNOWN_COMMIT)
        return
    guards.give_back(attempt=attempt, actor=actor, now=now)
    if run.state == RunState.CANCELLING:
        reason = "cancelled as asked"
        lifecycle.move_run(run, RunState.CANCELLED, actor=actor, reason=reason, now=now, **facts)
        return
    if verdict.retry:
        _retry(run, attempt, verdict, actor, now, facts)
        return
    to = RunState.TIMED_OUT if attempt.state == AttemptState.TIMED_OUT else RunState.FAILED
    if lifecycle.move_run(run, to, actor=actor, reason=verdict.reason, now=now, **facts):
        alert_about(run, failure.message)


def _end_hold(run: Run, actor: str, now: datetime) -> None:
    """The attempt that held its browser for an answer has ended: what it asked is asked no more."""
    if run.state == RunState.WAITING_INPUT:
        questions.withdraw(run=run, now=now)
        reason = "the attempt that asked has ended"
        lifecycle.move_run(run, RunState.RUNNING, actor=actor, reason=reason, now=now)


def _verdict(run: Run, failure: Failure, now: datetime, *, free: bool) -> Verdict:
    return judge(
        kind=failure.kind,
        permanent=failure.permanent,
        attempts_made=run.attempts_made,
        max_attempts=run.max_attempts,
        overrides=run.version.options.get("retryable", {}),
        retry_after=failure.retry_after,
        chance=random.random(),  # noqa: S311 - jitter, not a secret
        time_left=run.ends_by - now if run.ends_by else None,
        free=free,
    )


def _retry(
    run: Run, attempt: Attempt, verdict: Verdict, actor: str, now: datetime, facts: Mapping[str, Any]
) -> None:
    due_at = now + verdict.delay
    facts = {**facts, "expires_at": min(filter(None, (due_at + settings.QUEUE_TIMEOUT, run.ends_by)))}
    if lifecycle.move_run(run, RunState.RETRY_WAIT, actor=actor, reason=verdict.reason, now=now, **facts):
        lifecycle.open_attempt(
            run=run,
            number=attempt.number + 1,
            due_at=due_at,
            actor=actor,
            reason=verdict.reason,
            now=now,
        )


def _commit_unknown(attempt: Attempt) -> bool:
    open_commits = attempt.stages.filter(effect=Effect.COMMIT.value).exclude(succeeded=True)
    names = list(open_commits.values_list("name", flat=True))
    steps = attempt.steps.filter(stage__in=names).values_list("action", "succeeded", "failure_kind")
    return may_have_happened(steps)


def _move(
    attempt: Attempt, state: AttemptState, actor: str, reason: str, now: datetime, **facts: Any
) -> bool:
    return lifecycle.move_attempt(attempt, state, actor=actor, reason=reason, now=now, **facts)


def _release(attempt: Attempt) -> None:
    freed = _freed(attempt)
    _let_go(attempt)
    _wake(freed)


def _freed(attempt: Attempt) -> list[str]:
    """Give back what an attempt holds, its slots and the login of its session; the keys others may start with now."""
    return [*free_slots(attempt=attempt), *session_doors.close_behind(attempt=attempt)]


def _wake(freed: list[str]) -> None:
    """Give the slots that are free now to who waits for them, in the transaction that frees them."""
    if freed:
        turns.dispatch_due_attempts(most=len(freed), counting=freed)


def _let_go(attempt: Attempt) -> None:
    WorkerProcess.objects.filter(current_attempt=attempt).update(current_attempt=None)


def _lock_run(attempt: Attempt) -> Run:
    locked = Run.objects.select_for_update(of=("self",)).select_related("version", "automation", "customer")
    return locked.get(pk=attempt.run_id)
