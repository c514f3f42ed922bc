"""The only writer of a status.

`open_run` and `open_attempt` create the two rows, `move_run` and `move_attempt` change their state by
compare-and-set, each with its row in the transition log; a run's end erases its secret params, and the
checkpoints that hold one. Only `runs.services` imports this module, and calls it inside a transaction of its own.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import structlog
from django.db import transaction

from infra_shared.crypto import DecryptionError
from infra_shared.leaks import LeakScan
from infra_shared.redaction import MASK, Redactor
from runs import rollups
from runs.models import Attempt, Checkpoint, Run, RunSecrets, Transition
from runs.states import (
    ATTEMPT_MOVES,
    RUN_MOVES,
    TERMINAL_ATTEMPTS,
    TERMINAL_RUNS,
    AttemptState,
    IllegalMoveError,
    RunState,
)

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

_lines = structlog.get_logger(__name__)


def open_run(*, state: RunState, actor: str, reason: str, now: datetime, **facts: Any) -> Run:
    """Create a run as scheduled (due later) or queued (due now), with the first row of its log."""
    if state not in (RunState.SCHEDULED, RunState.QUEUED):
        raise IllegalMoveError(f"A run begins as scheduled or queued, not {state}.")
    run = Run(state=state, state_reason=reason[:500], **facts)
    run.save(force_insert=True)
    _log(run_id=run.pk, attempt_id=None, move=("", state), actor=actor, reason=reason, now=now)
    return run


def open_attempt(
    *, run: Run, number: int, due_at: datetime, actor: str, reason: str, now: datetime
) -> Attempt:
    """Create the run's next attempt, queued; it may be started from `due_at` on."""
    attempt = Attempt(
        run=run,
        number=number,
        state=AttemptState.QUEUED,
        queue=run.queue,
        priority=run.priority,
        due_at=due_at,
    )
    attempt.save(force_insert=True)
    move = ("", AttemptState.QUEUED)
    _log(run_id=run.pk, attempt_id=attempt.pk, move=move, actor=actor, reason=reason, now=now)
    return attempt


def move_run(
    run: Run,
    to: RunState,
    *,
    actor: str,
    reason: str,
    now: datetime,
    only_from: Collection[RunState] | None = None,
    **facts: Any,
) -> bool:
    """Move a run to another state if it is still in the state `run` was read in.

    Returns False, and changes nothing, when another process moved it first or when `only_from` excludes its state.
    Raises IllegalMoveError when no life of a run has this move. `facts` are further columns to set.
    """
    begin = RunState(run.state)
    if only_from is not None and begin not in only_from:
        return False
    if to not in RUN_MOVES[begin]:
        raise IllegalMoveError(f"A run cannot go from {begin} to {to}.")
    if to in TERMINAL_RUNS:
        facts["finished_at"] = now
    facts |= {"state": to, "state_reason": reason[:500]}
    with transaction.atomic():
        if not Run.objects.filter(pk=run.pk, state=begin).update(**facts):
            return False
        _log(run_id=run.pk, attempt_id=None, move=(begin, to), actor=actor, reason=reason, now=now)
        for name, value in facts.items():
            setattr(run, name, value)
        if to in TERMINAL_RUNS:
            rollups.note_end(run, now)
            _erase_secrets(run)
    return True


def move_attempt(
    attempt: Attempt, to: AttemptState, *, actor: str, reason: str, now: datetime, **facts: Any
) -> bool:
    """Move an attempt to another state if its state and its fence are still those `attempt` was read with.

    Returns False, and changes nothing, when the row has moved on: the caller's right to write has ended. Raises
    IllegalMoveError when no life of an attempt has this move.
    """
    begin = AttemptState(attempt.state)
    if to not in ATTEMPT_MOVES[begin]:
        raise IllegalMoveError(f"An attempt cannot go from {begin} to {to}.")
    if to in TERMINAL_ATTEMPTS:
        facts["finished_at"] = now
    facts["state"] = to
    with transaction.atomic():
        still_ours = Attempt.objects.filter(pk=attempt.pk, state=begin, fence=attempt.fence)
        if not still_ours.update(**facts):
            return False
        _log(
            run_id=attempt.run_id,
            attempt_id=attempt.pk,
            move=(begin, to),
            actor=actor,
            reason=reason,
            now=now,
        )
    for name, value in facts.items():
        setattr(attempt, name, value)
    return True


def _erase_secrets(run: Run) -> None:
    """Let go of the secret params of a run that is over, and of the checkpoints that hold one.

    Most runs have none, and are not asked for. A checkpoint would keep for days what was promised to be gone; a rerun
    that could have begun behind it begins at an earlier stage, and is given the secrets anew in any case.
    """
    if MASK not in run.params.values():
        return
    kept = RunSecrets.objects.filter(run_id=run.pk).first()
    if kept is None:
        return
    kept.delete()
    holding = [item.pk for item in Checkpoint.objects.filter(run_id=run.pk) if _may_hold(item, kept)]
    Checkpoint.objects.filter(pk__in=holding).delete()


def _may_hold(checkpoint: Checkpoint, secrets: RunSecrets) -> bool:
    """Whether one of the secrets stands in what a checkpoint keeps; true when nobody can read it any more."""
    try:
        values = [str(value) for value in secrets.content.reveal().values() if value is not None]
        body = json.dumps(checkpoint.content.reveal(), ensure_ascii=False).encode()
    except DecryptionError:
        return True
    return LeakScan(Redactor(values)).leak_in(body) is not None


def _log(
    *,
    run_id: Any,
    attempt_id: int | None,
    move: tuple[str, str],
    actor: str,
    reason: str,
    now: datetime,
) -> None:
    """Write the move's row; a run's move is a line of the log, too, once it is committed."""
    Transition.objects.create(
        run_id=run_id,
        attempt_id=attempt_id,
        from_state=move[0],
        to_state=move[1],
        actor=actor,
        reason=reason[:500],
        at=now,
    )
    if attempt_id is None:
        line = {"run_id": str(run_id), "from_state": str(move[0]), "to_state": str(move[1])}
        # What stands in the way of a line must not stand in the way of a move.
        transaction.on_commit(
            lambda: _lines.info("run_moved", **line, actor=actor, reason=reason), robust=True
        )
