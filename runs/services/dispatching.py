"""The dispatcher's steps: what is due gets a slot and a ticket, what is lost or late is ended.

Each function reads first, outside any transaction, and writes only when there is something to write: an idle tick
takes no write lock. Any number of dispatchers may do this at once; compare-and-set and unique keys decide.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db import transaction
from django_q.tasks import async_task

from infra_shared import clock
from infra_shared.database import await_write_lock, database_now
from runs import lifecycle
from runs.models import Attempt, Run, WorkerProcess
from runs.services.outcomes import expire_run, reap_lost, reap_overdue
from runs.services.slots import limits_of, missing_slot, take_slots
from runs.states import AttemptState, RunState

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

ACTOR = "dispatcher"
TASK = "runs.tasks.execute_attempt"
TICKET_LIFE = timedelta(seconds=5)
"""After this long an unclaimed ticket counts as vanished and the attempt may get another one."""
AT_ONCE = 100
Place = tuple[str, frozenset[str]]
"""A queue, and the digests of the versions that a node serving it can run."""
_log = structlog.get_logger(__name__)


def dispatch_due_attempts() -> int:
    """Make a ticket for each due attempt, in order of turn, as long as a free worker process waits for it.

    Never more tickets than free processes with a fresh heartbeat, so that order and priority are decided here and
    not by the broker. Returns how many tickets were made.
    """
    now = database_now()
    if not Attempt.objects.due(now, ticket_expired=now - TICKET_LIFE).exists():
        return 0
    free = free_processes(now)
    due = _in_order_of_turn(now, queues={queue for queue, _ in free})
    made = 0
    for attempt in due:
        digest = attempt.run.version.digest
        place = next(
            (key for key in free if key[0] == attempt.queue and _can_run(key, digest, attempt)),
            None,
        )
        if place is not None and free[place] > 0 and dispatch_attempt(attempt=attempt):
            free[place] -= 1
            made += 1
            if not free[place]:
                del free[place]
    return made


def _in_order_of_turn(now: datetime, *, queues: Collection[str]) -> list[Attempt]:
    """The next due attempts of these queues; many that wait for a slot do not keep others from being seen."""
    due = Attempt.objects.due(now, ticket_expired=now - TICKET_LIFE).filter(queue__in=queues)
    due = due.select_related("run__version__automation", "run__customer")
    waiting = due.filter(run__state=RunState.WAITING_SLOT)[:AT_ONCE]
    others = due.exclude(run__state=RunState.WAITING_SLOT)[:AT_ONCE]
    return sorted([*waiting, *others], key=lambda attempt: (-attempt.priority, attempt.due_at, attempt.pk))


def free_processes(now: datetime) -> Counter[Place]:
    """How many processes wait for work, by (queue, digests of the versions their node can run).

    Tickets under way count against the processes of their queue.
    """
    free: Counter[Place] = Counter(
        (process.queue, frozenset(process.node.versions))
        for process in WorkerProcess.objects.free(now).select_related("node")
    )
    under_way = Counter(Attempt.objects.ticketed(since=now - TICKET_LIFE).values_list("queue", flat=True))
    for place in list(free):
        taken = min(free[place], under_way[place[0]])
        under_way[place[0]] -= taken
        free[place] -= taken
        if not free[place]:
            del free[place]
    return free


def dispatch_attempt(*, attempt: Attempt) -> bool:
    """Take the slots of one due attempt and make its ticket, in one transaction; False when it has to wait."""
    limits = limits_of(attempt.run.version)
    full = missing_slot(limits=limits, attempt=attempt)
    if full is not None:
        _wait_for_slot(attempt.run, full)
        return False
    now = database_now()
    with transaction.atomic():
        unchanged = Attempt.objects.filter(
            pk=attempt.pk, state=AttemptState.QUEUED, ticketed_at=attempt.ticketed_at
        )
        if not unchanged.update(ticketed_at=now):
            return False
        if not take_slots(limits=limits, attempt=attempt, now=now):
            transaction.set_rollback(True)
            return False
        if not _queued(attempt.run, now):
            transaction.set_rollback(True)
            return False
        # The broker's table is in the same database: ticket and state change are committed together.
        async_task(
            TASK,
            attempt.pk,
            q_options={"cluster": attempt.queue, "timeout": ticket_timeout(attempt)},
        )
    return True


def ticket_timeout(attempt: Attempt) -> int:
    """Seconds after which django-q2 itself ends the task: the deadline and half a minute, a backstop only."""
    deadline = min(attempt.run.version.option("deadline_seconds"), settings.LONGEST_ATTEMPT.total_seconds())
    return int(deadline) + 30


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
    """End every run that waited longer than its queue timeout; returns how many."""
    now = database_now()
    late = Run.objects.waited_too_long(now).select_related("version__automation", "automation", "customer")
    return sum(expire_run(run=run, reason=_why_not_started(run, now), actor=ACTOR) for run in late[:AT_ONCE])


def _can_run(place: Place, digest: str, attempt: Attempt) -> bool:
    return digest in place[1] or attempt.run.version.runs_on_any_node


def _wait_for_slot(run: Run, key: str) -> None:
    if run.state == RunState.WAITING_SLOT:
        return
    lifecycle.move_run(
        run,
        RunState.WAITING_SLOT,
        actor=ACTOR,
        reason=f"the limit {key} is full",
        now=database_now(),
    )


def _queued(run: Run, now: datetime) -> bool:
    """Make sure the run is queued; False when it moved on meanwhile."""
    if run.state == RunState.QUEUED:
        return Run.objects.filter(pk=run.pk, state=RunState.QUEUED).exists()
    return lifecycle.move_run(run, RunState.QUEUED, actor=ACTOR, reason="its turn has come", now=now)


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
