"""How attempts end, and what follows: success, another attempt, a person, or the run's end."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction

from infra_shared.database import database_now
from infra_shared.services.alerts import Severity, alert
from runs import lifecycle
from runs.commits import may_have_happened
from runs.models import Artifact, Attempt, Run, WorkerProcess
from runs.retry_policy import Verdict, judge
from runs.services.claims import Claim, locked_attempt
from runs.services.slots import free_slots
from runs.states import AttemptState, RunState
from webgraph.errors import FailureKind
from webgraph.recorder import Effect

if TYPE_CHECKING:
    from datetime import datetime, timedelta

UNKNOWN_COMMIT = (
    "A step that counts once was begun and its end is unknown. Check the site, then say what happened."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an attempt failed. `message` is one redacted sentence for people."""

    kind: FailureKind
    message: str
    permanent: bool
    stage: str = ""
    retry_after: timedelta | None = None


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
        failure_kind="",
        failure_message="",
        failed_stage="",
        attempts_made=run.attempts_made + 1,
    )


@transaction.atomic
def finish_failed(*, claim: Claim, failure: Failure, browser: dict[str, Any] | None = None) -> None:
    """End the attempt as failed (or timed out), and decide what follows; LostClaimError when it moved on."""
    attempt, actor, now = _held(claim)
    state = AttemptState.TIMED_OUT if failure.kind is FailureKind.TIMEOUT else AttemptState.FAILED
    _end(attempt, state, failure, actor, now, browser=browser or {})


@transaction.atomic
def finish_cancelled(*, claim: Claim, browser: dict[str, Any] | None = None) -> None:
    """End the attempt of a run that is being cancelled; LostClaimError when it moved on."""
    attempt, actor, now = _held(claim)
    failure = Failure(kind=FailureKind.CANCELLED, message="The run was cancelled.", permanent=True)
    _end(attempt, AttemptState.CANCELLED, failure, actor, now, browser=browser or {})


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
    return _end(attempt, AttemptState.LOST, failure, actor, database_now())


@transaction.atomic
def reap_overdue(*, attempt: Attempt, actor: str) -> bool:
    """End an attempt that outlived its deadline as timed out; False when it had moved on."""
    failure = Failure(
        kind=FailureKind.TIMEOUT,
        message="The attempt did not finish within its deadline and did not stop by itself.",
        permanent=False,
    )
    return _end(attempt, AttemptState.TIMED_OUT, failure, actor, database_now())


@transaction.atomic
def expire_run(*, run: Run, reason: str, actor: str) -> bool:
    """End a run that waited too long for an attempt to begin; False when it had moved on."""
    now = database_now()
    if not lifecycle.move_run(
        run, RunState.EXPIRED, actor=actor, reason=reason, now=now, failure_message=reason
    ):
        return False
    drop_waiting_attempts(run=run, actor=actor, reason=reason, now=now)
    _alert_failure(run, reason)
    return True


def drop_waiting_attempts(*, run: Run, actor: str, reason: str, now: datetime) -> None:
    """Cancel the queued attempt of a run that will not be attempted any more."""
    for attempt in Attempt.objects.filter(run=run, state=AttemptState.QUEUED):
        lifecycle.move_attempt(attempt, AttemptState.CANCELLED, actor=actor, reason=reason, now=now)
        free_slots(attempt=attempt)


def _held(claim: Claim) -> tuple[Attempt, str, datetime]:
    attempt = locked_attempt(claim)
    return attempt, f"worker:{attempt.worker_name}", database_now()


def _end(
    attempt: Attempt, state: AttemptState, failure: Failure, actor: str, now: datetime, **facts: Any
) -> bool:
    """End an attempt that did not succeed and move its run on; False when the attempt had moved on."""
    if not _move(
        attempt,
        state,
        actor,
        failure.message,
        now,
        failure_kind=failure.kind.value,
        failure_message=failure.message,
        failed_stage=failure.stage,
        **facts,
    ):
        return False
    _release(attempt)
    run = _lock_run(attempt)
    run.attempts_made += 0 if attempt.free else 1
    _follow(run, attempt, failure, actor, now)
    return True


def _follow(run: Run, attempt: Attempt, failure: Failure, actor: str, now: datetime) -> None:
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
            _alert_failure(run, UNKNOWN_COMMIT)
        return
    if run.state == RunState.CANCELLING:
        reason = "cancelled as asked"
        lifecycle.move_run(run, RunState.CANCELLED, actor=actor, reason=reason, now=now, **facts)
        return
    verdict = _verdict(run, failure)
    if verdict.retry:
        _retry(run, attempt, verdict, actor, now, facts)
        return
    to = RunState.TIMED_OUT if attempt.state == AttemptState.TIMED_OUT else RunState.FAILED
    if lifecycle.move_run(run, to, actor=actor, reason=verdict.reason, now=now, **facts):
        _alert_failure(run, failure.message)


def _verdict(run: Run, failure: Failure) -> Verdict:
    return judge(
        kind=failure.kind,
        permanent=failure.permanent,
        attempts_made=run.attempts_made,
        max_attempts=run.max_attempts,
        overrides=run.version.options.get("retryable", {}),
        retry_after=failure.retry_after,
        chance=random.random(),  # noqa: S311 - jitter, not a secret
    )


def _retry(
    run: Run, attempt: Attempt, verdict: Verdict, actor: str, now: datetime, facts: dict[str, Any]
) -> None:
    due_at = now + verdict.delay
    facts["expires_at"] = due_at + settings.QUEUE_TIMEOUT
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
    free_slots(attempt=attempt)
    WorkerProcess.objects.filter(current_attempt=attempt).update(current_attempt=None)


def _lock_run(attempt: Attempt) -> Run:
    locked = Run.objects.select_for_update(of=("self",)).select_related("version", "automation", "customer")
    return locked.get(pk=attempt.run_id)


def _alert_failure(run: Run, text: str) -> None:
    """One alert for each automation and failure kind within the alert window, not one for each run."""
    alert(
        key=f"run-failed:{run.automation.key}:{run.failure_kind or run.state}",
        title=f"{run.automation.title}: {run.get_state_display().lower()}",
        text=text,
        severity=Severity.WARNING,
        link=f"{settings.PUBLIC_URL}/admin/runs/run/{run.pk}/change/",
    )
