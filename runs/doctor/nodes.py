"""Whether somebody works: a node that beats, a process for each queue, a dispatcher that ticks and leaves nothing undone."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Min

from automations.models import Schedule
from infra_shared.checkup import Check, bad, good, odd, register
from infra_shared.database import database_now
from runs.models import Attempt, Node, WorkerProcess
from runs.services.dispatchers import TICKING, read_dispatchers
from runs.services.gates import read_gates
from runs.services.nodes import can_take, node_state
from runs.states import AttemptState, RunState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from infra_shared.checkup import Finding

ADVICE = (
    "Start a node: systemctl start orchestrator-worker, or python manage.py worker; then look at its log."
)
DISPATCHER = "Start one: each node does, unless it was told --no-dispatcher; look for its log lines."
_OVERDUE = timedelta(seconds=15)
"""A dispatcher ticks four times a second."""
_LOOKED_AT = 20
_MOMENT = "%Y-%m-%d %H:%M:%S"


def look() -> Iterator[Finding]:
    """Read the rows of nodes, processes, schedules and attempts."""
    now = database_now()
    yield from _of_nodes(now)
    yield from _of_queues(now)
    yield from _of_dispatchers(now)


def _of_nodes(now: datetime) -> Iterator[Finding]:
    names: dict[str, list[str]] = {}
    for node in Node.objects.defer("versions", "queues"):
        names.setdefault(node_state(node, now), []).append(node.name)
    if alive := names.get("alive"):
        yield good(f"{len(alive)} alive: {', '.join(alive)}.")
    else:
        yield bad("No node is alive: runs wait.", ADVICE)
    if gone := names.get("gone"):
        yield odd(
            f"{len(gone)} went away without a word: {', '.join(gone)}.", "Look at its machine and its log."
        )


def _of_queues(now: datetime) -> Iterator[Finding]:
    served = set(WorkerProcess.objects.fresh(now).values_list("queue", flat=True))
    waiting = Attempt.objects.filter(state=AttemptState.QUEUED).values_list("queue", flat=True).distinct()
    for queue in sorted({*settings.WORKER_QUEUES, *waiting} - served):
        yield bad(
            f"No worker process serves the queue {queue}.",
            f"Start a node with --queues {queue}, or WORKER_QUEUES.",
        )


def _of_dispatchers(now: datetime) -> Iterator[Finding]:
    known = read_dispatchers(now)
    ticking = [str(row) for row, state in known if state == TICKING]
    if not ticking:
        told = "none is known"
        if known:
            latest, _ = known[0]
            told = f"the last was {latest}, at {latest.ticked_at:{_MOMENT}} UTC"
        yield bad(f"No dispatcher completes its ticks: {told}.", DISPATCHER)
    undone = _left_undone(now)
    if undone:
        yield bad(
            f"{undone}: no dispatcher moves it.",
            "Look for a dispatcher's log lines." if ticking else DISPATCHER,
        )
    elif ticking:
        yield good(f"Dispatchers that tick: {', '.join(ticking)}. Nothing waits for them.")


def _left_undone(now: datetime) -> str:
    """What a dispatcher that ticks would have moved: a time that passed, an attempt that could begin; "" for nothing."""
    schedules = Schedule.objects.present().filter(paused_at__isnull=True)
    first = schedules.aggregate(first=Min("next_fire_at"))["first"]
    if first is not None and first < now - _OVERDUE:
        return f"A schedule is overdue since {first:{_MOMENT}} UTC"
    queue = _queue_left_waiting(now)
    return f"An attempt waits though a process of the queue {queue} is free" if queue else ""


def _queue_left_waiting(now: datetime) -> str | None:
    """The queue of an attempt that nothing keeps, with a free process that has its code; None for none."""
    due = Attempt.objects.due(now - _OVERDUE, ticket_expired=now - _OVERDUE)
    ready = read_gates(now).open_for(due.filter(run__state=RunState.QUEUED, waits_for__isnull=True))
    free = WorkerProcess.objects.free(now).values("queue")
    for attempt in ready.filter(queue__in=free).select_related("run__version")[:_LOOKED_AT]:
        if can_take(run=attempt.run):
            return attempt.queue
    return None


register(Check(name="nodes", look=look, advice=ADVICE, order=100, after=("database", "migrations")))
