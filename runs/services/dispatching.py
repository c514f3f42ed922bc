"""The dispatcher's steps: what is due gets its turn (`turns`), what is lost or late is ended.

Each function reads first, outside any transaction, and writes only when there is something to write: an idle tick
takes no write lock. Any number of dispatchers may do this at once; compare-and-set and unique keys decide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

from infra_shared import clock
from infra_shared.database import await_write_lock, database_now
from runs.models import Attempt, Run, WorkerProcess
from runs.services.gates import is_paused
from runs.services.outcomes import expire_run, reap_lost, reap_overdue
from runs.services.turns import ACTOR, AT_ONCE, TICKET_LIFE, dispatch_due_attempts
from runs.states import AttemptState

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

__all__ = [
    "TICKET_LIFE",
    "dispatch_due_attempts",
    "expire_waiting_runs",
    "leases_run_low",
    "reap_forgotten_attempts",
    "reap_lost_attempts",
    "reap_overdue_attempts",
]


def leases_run_low() -> bool:
    """Whether some running attempt has less than half of its lease left: its worker process has missed a beat."""
    return Attempt.objects.lease_expired(database_now() + settings.LEASE / 2).exists()


def reap_lost_attempts() -> int:
    """End every running attempt whose worker process has been silent for a whole lease; returns how many."""
    lost = Attempt.objects.lease_expired(database_now()).select_related("run")
    return sum(reap_lost(attempt=attempt, actor=ACTOR) for attempt in lost[:AT_ONCE])


def reap_forgotten_attempts(*, silent_for: timedelta, sleep: Callable[[float], None] = clock.sleep) -> int:
    """The spare tick's form of `reap_lost_attempts`: only what expired `silent_for` ago; returns how many.

    It remembers nothing of an outage that may have ended just now, so it looks twice: after two heartbeats in which
    the database took writes, who is still silent is gone.
    """
    suspects = list(
        Attempt.objects.lease_expired(database_now() - silent_for).select_related("run")[:AT_ONCE]
    )
    if not suspects:
        return 0
    await_write_lock()
    sleep(settings.LEASE.total_seconds() / 2)
    return sum(reap_lost(attempt=attempt, actor="spare tick") for attempt in suspects)


def reap_overdue_attempts() -> int:
    """End every attempt that is still running a lease after its deadline; returns how many."""
    overdue = Attempt.objects.past_deadline(database_now() - settings.LEASE).select_related("run")
    return sum(reap_overdue(attempt=attempt, actor=ACTOR) for attempt in overdue[:AT_ONCE])


def expire_waiting_runs() -> int:
    """End every run that waited longer than its queue timeout; returns how many. Paused runs wait without end."""
    now = database_now()
    late = Run.objects.waited_too_long(now).select_related("version__automation", "automation", "customer")
    return sum(
        expire_run(run=run, reason=_why_not_started(run, now), actor=ACTOR)
        for run in late.prefetch_related("demands")[:AT_ONCE]
        if not is_paused(run)
    )


def _why_not_started(run: Run, now: datetime) -> str:
    if Attempt.objects.filter(run=run, state=AttemptState.QUEUED, waits_for__isnull=False).exists():
        return f"Nobody said for too long what became of a commit. {run.state_reason}"
    fresh = WorkerProcess.objects.fresh(now).filter(queue=run.queue).select_related("node")
    if not fresh:
        return f"No live node serves the queue {run.queue!r}. Start one with: manage.py worker"
    version = run.version
    if not version.runs_on_any_node and not any(version.digest in item.node.versions for item in fresh):
        return (
            f"No live node has {run.version}. Start a node with that code, or rerun it on the latest version."
        )
    return "It waited longer than its queue timeout for a free worker process."
