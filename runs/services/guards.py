"""Commits that count once: their key is taken before they act, and given back only when nothing happened."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import IntegrityError, transaction

from infra_shared.database import database_now
from runs.models import Attempt, CommitGuard, CommitOutcome, Run
from runs.states import AttemptState
from webgraph.recorder import Happened, Undecided

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from webgraph.recorder import StageStart

LONGEST_WAIT = timedelta(days=30)
"""How long a run waits to hear what became of another run's commit; a person may be needed to say it."""
_LONGEST_KEY = 200
_TRIES = 5


def begin(*, attempt: Attempt, run: Run, stage: StageStart) -> CommitGuard | None:
    """Take a commit's key for this attempt; returns the commit that has it already, None when this one may act.

    Part of a transaction of the caller. May be repeated by the same attempt.
    """
    key: dict[str, Any] = {
        "customer_id": run.customer_id,
        "automation_id": run.automation_id,
        "stage": stage.name,
        "effect_key": _key(run, stage),
    }
    for _ in range(_TRIES):
        standing = CommitGuard.objects.standing().filter(**key).first()
        if standing is not None:
            return standing if standing.attempt_id != attempt.pk else None
        try:
            with transaction.atomic():
                CommitGuard.objects.create(**key, run=run, attempt=attempt, began_at=stage.started_at)
        except IntegrityError:
            continue  # two began at the same moment: the other one has it, unless it gave it back by now
        return None
    msg = (
        f"The key of the commit {stage.name!r} changed hands {_TRIES} times while this attempt asked for it."
    )
    raise RuntimeError(msg)


def answer_of(guard: CommitGuard, run_id: UUID) -> Happened | Undecided:
    """What a stage is told whose commit another attempt has begun."""
    where = "earlier in this run" if guard.run_id == run_id else f"in {guard.where}"
    if guard.outcome == CommitOutcome.UNDECIDED:
        return Undecided(where=f"whether “{guard.stage}” happened {where}")
    left: Mapping[str, Any] = guard.after.reveal() if guard.after is not None else {}
    return Happened(
        where=where,
        state=left.get("state"),
        value=left.get("value"),
        url=left.get("url", ""),
        page=left.get("page"),
    )


def decide(
    *,
    guard: CommitGuard,
    happened: bool,
    actor: str,
    now: datetime,
    note: str = "",
    after: Mapping[str, Any] | None = None,
) -> bool:
    """Write what became of a commit and wake every attempt that waits to hear it; False when it was known before.

    Part of a transaction of the caller.
    """
    outcome = CommitOutcome.HAPPENED if happened else CommitOutcome.DID_NOT_HAPPEN
    changed = CommitGuard.objects.undecided().filter(pk=guard.pk)
    facts: dict[str, Any] = {"decided_at": now, "decided_by": actor, "note": note[:500], "after": after}
    if not changed.update(outcome=outcome, **facts):
        return False
    # The row above is locked until the end of this transaction, and whoever begins to wait locks it too.
    waiting = Attempt.objects.filter(waits_for=guard, state=AttemptState.QUEUED)
    Run.objects.filter(pk__in=waiting.values("run_id")).update(expires_at=now + settings.QUEUE_TIMEOUT)
    waiting.update(due_at=now, waits_for=None)
    return True


def give_back(*, attempt: Attempt, actor: str, now: datetime) -> None:
    """Say of the commits an attempt left undecided that they did not happen: no step of theirs ever acted."""
    for guard in CommitGuard.objects.undecided().filter(attempt=attempt):
        decide(guard=guard, happened=False, actor=actor, now=now, note="No step of it acted.")


def wait_for(*, guard_id: int, attempt: Attempt) -> CommitGuard:
    """Let a queued attempt begin only when it is known what became of a commit; at once when it is known by now.

    Part of a transaction of the caller.
    """
    guard = CommitGuard.objects.select_for_update(of=("self",)).get(pk=guard_id)
    if guard.outcome == CommitOutcome.UNDECIDED:
        latest = database_now() + LONGEST_WAIT
        Attempt.objects.filter(pk=attempt.pk).update(due_at=latest, waits_for=guard)
        Run.objects.filter(pk=attempt.run_id).update(expires_at=latest)
    return guard


def _key(run: Run, stage: StageStart) -> str:
    """The key a stage names, as a digest when it is long; else one of the run's own."""
    key = stage.effect_key
    if not key:
        return f"run:{_owner(run, stage.name).pk}"
    return key if len(key) <= _LONGEST_KEY else f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"


def _owner(run: Run, stage: str) -> Run:
    """The run whose commit it is: a rerun that begins after a stage goes on with the one of the run it repeats."""
    while run.from_stage and run.rerun_of is not None:
        names = [item["name"] for item in run.version.stages]
        if stage not in names[: names.index(run.from_stage)]:
            break
        run = run.rerun_of
    return run
