"""What a person says about a run: what became of an unknown commit, that a failure is dealt with, that it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction

from infra_shared.database import database_now
from infra_shared.services import audit
from runs import lifecycle
from runs.errors import InvalidRequestError, WrongStateError
from runs.models import Attempt, CommitGuard, Run
from runs.services import guards, resuming
from runs.states import AttemptState, RunState
from webgraph.recorder import Effect

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@transaction.atomic
def answer_commit(*, run: Run, happened: bool, note: str, actor: str) -> Run:
    """Say whether a commit of unknown end happened, and let the run go on accordingly; returns it.

    It did not: another attempt begins at that stage, whatever the maximum, because a person asked for it. It did: the
    run succeeds when that was its last stage, else another attempt goes on after it; without a checkpoint to go on
    from the run fails with the note. Runs that wait to hear it go on too. A run that was cancelled meanwhile stays so.
    WrongStateError when the run does not wait for this answer.
    """
    locked = _locked(run)
    attempt = locked.attempts.order_by("-number").first()
    stage = commit_in_doubt(locked)
    if attempt is None or stage is None:
        raise WrongStateError(
            f"The run is {locked.get_state_display().lower()}: it does not wait to hear about a commit."
        )
    now = database_now()
    words = f"“{stage}” {'happened' if happened else 'did not happen'}: {note}".rstrip(": ")
    for guard in CommitGuard.objects.undecided().filter(run=locked):
        guards.decide(guard=guard, happened=happened, actor=actor, now=now, note=note)
    if locked.is_terminal:
        pass  # only what became of the commit was open
    elif happened:
        _after_it_happened(locked, attempt, stage, words, actor, now)
    else:
        _try_again(locked, attempt, words, actor, now)
    _audit("run.answer", locked, actor, note, {"stage": stage, "happened": happened})
    return locked


def commit_in_doubt(run: Run) -> str | None:
    """The commit stage of which nobody knows yet what became; None when there is none."""
    if run.is_terminal:
        guard = CommitGuard.objects.undecided().filter(run=run).first()
        return guard.stage if guard is not None else None
    attempt = run.attempts.order_by("-number").first()
    waits = run.state == RunState.WAITING_INPUT and attempt is not None and attempt.finished_at is not None
    return _unfinished_commit(attempt) if waits and attempt is not None else None


@transaction.atomic
def resolve_failure(*, run: Run, note: str, actor: str) -> bool:
    """Close an open failure with a note; False when it was closed already. WrongStateError when it is no failure."""
    if not note.strip():
        raise InvalidRequestError("note", "Say in a few words how it was resolved.")
    locked = _locked(run)
    if not locked.is_failure:
        raise WrongStateError(
            f"The run is {locked.get_state_display().lower()}; only a failure can be resolved."
        )
    if locked.resolved_at is not None:
        return False
    Run.objects.filter(pk=locked.pk).update(
        resolved_at=database_now(), resolved_by=actor, resolution_note=note.strip()
    )
    _audit("run.resolve", locked, actor, note)
    return True


@transaction.atomic
def pin_run(*, run: Run, pinned: bool, actor: str) -> bool:
    """Keep a run and its artifacts from every retention rule, or let go of it; False when nothing changed."""
    rows = Run.objects.filter(pk=run.pk, pinned_at__isnull=pinned)
    changed = (
        {"pinned_at": database_now(), "pinned_by": actor} if pinned else {"pinned_at": None, "pinned_by": ""}
    )
    if not rows.update(**changed):
        return False
    _audit("run.pin" if pinned else "run.unpin", _locked(run), actor)
    return True


def _after_it_happened(run: Run, attempt: Attempt, stage: str, words: str, actor: str, now: datetime) -> None:
    if run.version.stages and run.version.stages[-1]["name"] == stage:
        facts: dict[str, Any] = {"failure_kind": "", "failure_message": "", "failed_stage": ""}
        lifecycle.move_run(run, RunState.SUCCEEDED, actor=actor, reason=words, now=now, **facts)
        return
    if resuming.newest(run=run) is not None:
        _try_again(run, attempt, words, actor, now)  # its guard says now that this commit is left out
        return
    lifecycle.move_run(run, RunState.FAILED, actor=actor, reason=words, now=now, failure_message=words)


def _try_again(run: Run, attempt: Attempt, words: str, actor: str, now: datetime) -> None:
    expires_at = now + settings.QUEUE_TIMEOUT
    lifecycle.move_run(run, RunState.RETRY_WAIT, actor=actor, reason=words, now=now, expires_at=expires_at)
    lifecycle.open_attempt(run=run, number=attempt.number + 1, due_at=now, actor=actor, reason=words, now=now)


def _unfinished_commit(attempt: Attempt) -> str | None:
    if attempt.state == AttemptState.PARKED:
        return None  # it asks a question, before it committed anything
    stage = attempt.stages.filter(effect=Effect.COMMIT.value).exclude(succeeded=True).last()
    return stage.name if stage else None


def _locked(run: Run) -> Run:
    return (
        Run.objects.select_for_update(of=("self",))
        .select_related("version", "customer", "automation")
        .get(pk=run.pk)
    )


def _audit(
    action: str, run: Run, actor: str, reason: str = "", details: Mapping[str, Any] | None = None
) -> None:
    audit.record(
        actor=actor,
        action=action,
        object_kind="run",
        object_id=run.pk,
        customer=run.customer.key,
        reason=reason,
        details=details,
    )
