"""Who works, and whether they are heard."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import TYPE_CHECKING

from django.db.models import Case, Count, Min, Value, When

from infra_shared.figures import Family, Group, Label, register
from runs.metrics.labels import QUEUE
from runs.models import Node, WorkerProcess
from runs.services.nodes import NODE_STATES, node_state

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from infra_shared.figures import Figure

_SILENT, _WORKING, _FREE = "silent", "working", "free"

NODES = Family(
    name="automation_nodes",
    words="Machines that work: alive, draining (they end what they have), gone (silent for three leases) or stopped.",
    labels=(Label("state", NODE_STATES),),
)
NODE_SILENCE = Family(
    name="automation_nodes_oldest_heartbeat_seconds",
    words="How long ago the quietest node that is alive or draining was heard; 0 when there is none.",
)
PROCESSES = Family(
    name="automation_worker_processes",
    words="Worker processes: working on an attempt, free, or silent (their lease is over: what they had is taken back).",
    labels=(QUEUE, Label("state", (_WORKING, _FREE, _SILENT))),
)
SILENCE = Family(
    name="automation_worker_oldest_heartbeat_seconds",
    words="How long ago the quietest process was heard; it grows to more than a lease when one is lost or frozen.",
    labels=(QUEUE,),
)


def read_nodes(now: datetime) -> Iterator[Figure]:
    """The rows of the last days' nodes: a handful."""
    states = {node: node_state(node, now) for node in Node.objects.defer("versions", "queues")}
    counts = Counter(states.values())
    for state in NODE_STATES:
        yield NODES.of(counts[state], state)
    heard = [node.heartbeat_at for node, state in states.items() if state in ("alive", "draining")]
    yield NODE_SILENCE.of(max((now - min(heard, default=now)).total_seconds(), 0))


def read_processes(now: datetime) -> Iterator[Figure]:
    """Processes by queue and what they do."""
    doing = Case(
        When(lease_expires_at__lt=now, then=Value(_SILENT)),
        When(current_attempt__isnull=False, then=Value(_WORKING)),
        default=Value(_FREE),
    )
    rows = WorkerProcess.objects.order_by().annotate(doing=doing).values_list("queue", "doing")
    counts: dict[tuple[str, str], int] = {}
    oldest: dict[str, datetime] = {}
    for queue, state, count, heard in rows.annotate(count=Count("pk"), heard=Min("heartbeat_at")):
        counts[queue, state] = count
        oldest[queue] = min(heard, oldest.get(queue, heard))
    for queue, state in product(sorted(oldest), (_WORKING, _FREE, _SILENT)):
        yield PROCESSES.of(counts.get((queue, state), 0), queue, state)
    for queue, heard in sorted(oldest.items()):
        yield SILENCE.of(max((now - heard).total_seconds(), 0), queue)


register(Group(title="Nodes", families=(NODES, NODE_SILENCE), read=read_nodes))
register(Group(title="Worker processes", families=(PROCESSES, SILENCE), read=read_processes))
