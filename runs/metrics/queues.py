"""What waits to be started."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Count, Min

from infra_shared.figures import Family, Group, register
from runs.metrics.labels import QUEUE
from runs.models import Attempt, WorkerProcess
from runs.services.gates import read_gates
from runs.states import AttemptState, RunState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from infra_shared.figures import Figure

DUE = Family(
    name="automation_queue_due_attempts",
    words="Attempts whose time has come and that have not begun, whatever keeps them.",
    labels=(QUEUE,),
)
WAITING = Family(
    name="automation_queue_waiting_attempts",
    words="Those of them that wait for nothing but a free worker process: no full limit, pause, breaker or pace.",
    labels=(QUEUE,),
)
OLDEST = Family(
    name="automation_queue_oldest_waiting_seconds",
    words="How long the oldest of those has waited since it was due; 0 when none waits.",
    labels=(QUEUE,),
)


def read_queues(now: datetime) -> Iterator[Figure]:
    """The due attempts of each queue, found by the index of what is queued."""
    due = Attempt.objects.filter(state=AttemptState.QUEUED, due_at__lte=now).order_by()
    ready = read_gates(now).open_for(due.filter(run__state=RunState.QUEUED, waits_for__isnull=True))
    due_counts = dict(due.values_list("queue").annotate(count=Count("pk")))
    found = {
        queue: rest
        for queue, *rest in ready.values_list("queue").annotate(n=Count("pk"), first=Min("due_at"))
    }
    for queue in sorted({*due_counts, *_served()}):
        count, first = found.get(queue, (0, now))
        yield DUE.of(due_counts.get(queue, 0), queue)
        yield WAITING.of(count, queue)
        yield OLDEST.of((now - first).total_seconds(), queue)


def _served() -> set[str]:
    """The queues that had a process lately: 0 is said of them, so that a rule can tell it from silence."""
    return set(WorkerProcess.objects.order_by().values_list("queue", flat=True).distinct())


register(Group(title="Queues", families=(DUE, WAITING, OLDEST), read=read_queues))
