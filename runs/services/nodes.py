"""Nodes and worker processes: who works, what they can run, and the heartbeat that keeps their leases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from infra_shared.database import database_now
from runs.models import DispatcherProcess, Node, Run, WorkerProcess
from runs.states import AttemptState

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from uuid import UUID

FORGET_AFTER = timedelta(days=2)
NODE_STATES = ("alive", "draining", "gone", "stopped")
_LETTING_GO = timedelta(minutes=1)
"""What a stopped attempt may take beyond its grace, to bring its evidence into the store."""


def node_state(node: Node, now: datetime) -> str:
    """Whether a node works, in one word of `NODE_STATES`; three leases of silence count as gone."""
    if node.stopped_at is not None:
        return "stopped"
    if node.heartbeat_at < now - 3 * settings.LEASE:
        return "gone"
    return "draining" if node.draining_since is not None else "alive"


def register_node(*, name: str, pid: int, queues: Collection[str], versions: Collection[str]) -> Node:
    """Write the row of a node that starts; `versions` are digests of the automation versions it can run."""
    now = database_now()
    return Node.objects.create(
        name=name,
        pid=pid,
        queues=sorted(queues),
        versions=sorted(versions),
        started_at=now,
        heartbeat_at=now,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowsersSeen:
    """The browsers of a node: how many run, what they take, how many were started since the node was."""

    running: int
    memory_bytes: int
    started: int


def beat_node(*, node_id: UUID, browsers: BrowsersSeen | None = None) -> bool:
    """Say that a node's outermost process is alive, and what browsers it has, where that was looked up.

    False when its row is gone and it must start anew.
    """
    seen: dict[str, int] = {}
    if browsers is not None:
        seen = {
            "browsers": browsers.running,
            "browser_memory_bytes": browsers.memory_bytes,
            "browsers_started": browsers.started,
        }
    return bool(Node.objects.filter(pk=node_id).update(heartbeat_at=database_now(), **seen))


def processes_found_wanting(*, node_id: UUID) -> list[WorkerProcess]:
    """The node's worker processes that live, if they do, but do not work.

    Those silent for longer than their lease, and those that long after their attempt was taken from them have not let
    go of it. A number that a fresh process has by now is not a silent one's any more.
    """
    now = database_now()
    rows = WorkerProcess.objects.filter(node_id=node_id)
    fresh = rows.fresh(now)
    silent = Q(lease_expires_at__lt=now) & ~Q(pid__in=fresh.values("pid"))
    holds_on = Q(current_attempt__finished_at__lt=now - settings.STOP_GRACE - _LETTING_GO)
    return list(rows.filter(silent | holds_on))


def forget_process(*, process_id: UUID) -> None:
    """Remove the row of a worker process that was killed; what it had in hand is for the dispatcher to end first."""
    row = WorkerProcess.objects.filter(pk=process_id)
    row.exclude(current_attempt__state=AttemptState.RUNNING).delete()


def drain_node(*, node_id: UUID) -> None:
    """From now on no ticket is made for this node's processes."""
    Node.objects.filter(pk=node_id, draining_since__isnull=True).update(draining_since=database_now())


def stop_node(*, node_id: UUID) -> None:
    """Write that a node ended on purpose; its processes are gone, its dispatcher too."""
    now = database_now()
    with transaction.atomic():
        DispatcherProcess.objects.filter(node_id=node_id).delete()
        Node.objects.filter(pk=node_id).update(stopped_at=now, heartbeat_at=now)
        WorkerProcess.objects.filter(node_id=node_id, current_attempt__isnull=True).delete()


def register_process(*, node_id: UUID, queue: str, pid: int) -> WorkerProcess:
    """Write the row of a worker process that is ready to work."""
    now = database_now()
    return WorkerProcess.objects.create(
        node_id=node_id,
        queue=queue,
        pid=pid,
        started_at=now,
        heartbeat_at=now,
        lease_expires_at=now + settings.LEASE,
    )


def beat_process(*, process_id: UUID, browser_contexts: int = 0) -> bool:
    """Extend a worker process's lease; False when its row is gone and it must register again."""
    with transaction.atomic():  # what waited for SQLite's write lock counts from when it got it
        now = database_now()
        row = WorkerProcess.objects.filter(pk=process_id)
        return bool(
            row.update(
                heartbeat_at=now, lease_expires_at=now + settings.LEASE, browser_contexts=browser_contexts
            )
        )


def end_process(*, process_id: UUID) -> None:
    """Remove the row of a worker process that leaves on purpose and has nothing in hand."""
    WorkerProcess.objects.filter(pk=process_id, current_attempt__isnull=True).delete()


def live_versions() -> set[str]:
    """Digests of every automation version that some live node can run."""
    fresh = database_now() - 3 * settings.LEASE
    rows = Node.objects.filter(heartbeat_at__gte=fresh, stopped_at__isnull=True).values_list(
        "versions", flat=True
    )
    return {digest for versions in rows for digest in versions}


def forget_old() -> int:
    """Remove rows of nodes and processes long gone; returns how many nodes."""
    now = database_now()
    long_silent = WorkerProcess.objects.filter(lease_expires_at__lt=now - timedelta(hours=1))
    long_silent.exclude(current_attempt__state=AttemptState.RUNNING).delete()
    count, _ = Node.objects.filter(heartbeat_at__lt=now - FORGET_AFTER).delete()
    return count


def can_take(*, run: Run) -> bool:
    """Whether some live node serves the run's queue and has its version."""
    fresh = WorkerProcess.objects.fresh(database_now()).filter(queue=run.queue).select_related("node")
    return any(
        run.version.digest in process.node.versions or run.version.runs_on_any_node for process in fresh
    )
