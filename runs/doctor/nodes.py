"""Whether somebody works: a node that beats, a process for each queue, a dispatcher that moves what is due."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Min

from automations.models import Schedule
from infra_shared.checkup import Check, bad, good, odd, register
from infra_shared.database import database_now
from runs.models import Attempt, Node, WorkerProcess
from runs.services.nodes import node_state
from runs.states import AttemptState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from infra_shared.checkup import Finding

ADVICE = (
    "Start a node: systemctl start orchestrator-worker, or python manage.py worker; then look at its log."
)
_OVERDUE = timedelta(seconds=15)
"""A dispatcher ticks four times a second."""


def look() -> Iterator[Finding]:
    """Read the rows of nodes, processes, schedules and attempts."""
    now = database_now()
    yield from _of_nodes(now)
    yield from _of_queues(now)
    yield _of_dispatcher(now)


def _of_nodes(now: datetime) -> Iterator[Finding]:
    names: dict[str, list[str]] = {}
    for node in Node.objects.all():
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


def _of_dispatcher(now: datetime) -> Finding:
    schedules = Schedule.objects.present().filter(paused_at__isnull=True)
    first = schedules.aggregate(first=Min("next_fire_at"))["first"]
    if first is not None and first < now - _OVERDUE:
        return bad(
            f"A schedule is overdue since {first:%Y-%m-%d %H:%M:%S} UTC: no dispatcher moves it.",
            "Start one: each node does, unless it was told --no-dispatcher.",
        )
    return good("No schedule is overdue.")


register(Check(name="nodes", look=look, advice=ADVICE, order=100, after=("database", "migrations")))
