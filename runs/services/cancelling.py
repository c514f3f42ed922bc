"""Cancelling a run: at once while it waits, cooperatively while it works."""

from __future__ import annotations

from django.db import transaction

from infra_shared.database import database_now
from infra_shared.services import audit
from runs import lifecycle
from runs.errors import WrongStateError
from runs.models import Run
from runs.services import questions
from runs.services.outcomes import drop_waiting_attempts
from runs.states import AttemptState, RunState

_AT_ONCE = frozenset(
    {
        RunState.SCHEDULED,
        RunState.QUEUED,
        RunState.WAITING_SLOT,
        RunState.RETRY_WAIT,
    }
)


@transaction.atomic
def cancel_run(*, run: Run, actor: str, reason: str = "") -> Run:
    """Cancel a run and return it: cancelled at once while it waits, cancelling while an attempt is at work.

    Asking again while it is cancelling changes nothing. WrongStateError when it has ended.
    """
    locked = Run.objects.select_for_update(of=("self",)).select_related("customer").get(pk=run.pk)
    if locked.is_terminal:
        raise WrongStateError(f"The run has already ended as {locked.get_state_display().lower()}.")
    if locked.state == RunState.CANCELLING:
        return locked
    now = database_now()
    words = reason or "cancelled as asked"
    to = RunState.CANCELLED if _stands_still(locked) else RunState.CANCELLING
    lifecycle.move_run(locked, to, actor=actor, reason=words, now=now, cancel_requested_at=now)
    questions.withdraw(run=locked, now=now)
    if to == RunState.CANCELLED:
        drop_waiting_attempts(run=locked, actor=actor, reason=words, now=now)
    audit.record(
        actor=actor,
        action="run.cancel",
        object_kind="run",
        object_id=str(locked.pk),
        customer=locked.customer.key,
        reason=reason,
    )
    return locked


def _stands_still(run: Run) -> bool:
    """Whether no attempt is at work; one may hold its browser while the run waits for an answer."""
    if run.state == RunState.WAITING_INPUT:
        return not run.attempts.filter(state=AttemptState.RUNNING).exists()
    return run.state in _AT_ONCE
