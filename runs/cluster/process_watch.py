"""Ends worker processes of this node that live but do not work: stopped ones, and such as do not let go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil
import structlog

from infra_shared import clock
from runs.cluster.kernel import kill_tree
from runs.cluster.lease import quarter_lease_seconds
from runs.services import nodes

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from runs.models import WorkerProcess

_log = structlog.get_logger(__name__)


class ProcessWatch:
    """Looks at the rows of a node's processes after each beat of the node, in the thread that beats.

    A process must have been found wanting for half a lease in which the database took every beat: after an outage,
    or after the whole machine slept, everybody looks silent for a moment. Its sentinel puts another in its place.
    """

    def __init__(
        self, node_id: UUID, *, outermost_pid: int, monotonic: Callable[[], float] = clock.monotonic
    ) -> None:
        self._node_id = node_id
        self._outermost_pid = outermost_pid
        self._monotonic = monotonic
        self._wanting_since: dict[UUID, float] = {}

    def look(self) -> None:
        """Kill what has been found wanting for long enough, and forget its row."""
        now = self._monotonic()
        rows = nodes.processes_found_wanting(node_id=self._node_id)
        self._wanting_since = {row.pk: self._wanting_since.get(row.pk, now) for row in rows}
        for row in rows:
            if now - self._wanting_since[row.pk] >= 2 * quarter_lease_seconds():
                self._end(row)

    def begin_anew(self) -> None:
        """The database did not answer: what was seen before says nothing any more."""
        self._wanting_since.clear()

    def _end(self, row: WorkerProcess) -> None:
        if self._is_ours(row.pid):
            _log.warning("worker_process_ended_by_force", pid=row.pid, queue=row.queue)
            kill_tree(row.pid)
        nodes.forget_process(process_id=row.pk)

    def _is_ours(self, pid: int) -> bool:
        """Whether the process is there and below this node: its number may long be somebody else's."""
        try:
            return any(parent.pid == self._outermost_pid for parent in psutil.Process(pid).parents())
        except psutil.NoSuchProcess:
            return False
