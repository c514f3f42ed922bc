"""What a worker process knows about itself: its row, its heartbeat and its warm browser.

Made lazily after the fork and kept by process id, so that a forked child never continues its parent's row or browser.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db import DatabaseError, connections

from infra_shared.clock import monotonic
from infra_shared.database import is_lock_or_connection_error
from runs.cluster.lease import quarter_lease_seconds
from runs.services import nodes
from webgraph.browser.host import BrowserHost
from webgraph.browser.locate import locate
from webgraph.browser.recycling import RecyclePolicy

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

RETRY_SECONDS = 1.0
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Post:
    """For which node and queue the processes of this tree work.

    `browser_keeper` is the socket where the node's shared browser is lent; None for a browser of their own.
    """

    node_id: UUID
    node_name: str
    queue: str
    browser_keeper: Path | None = None


class NotAWorkerProcessError(RuntimeError):
    """Only a process of a node's run cluster executes attempts."""

    def __init__(self) -> None:
        super().__init__("This process is no worker process. Start a node: manage.py worker")


class WorkerHandle:
    """A worker process's own view of itself."""

    def __init__(self, post: Post) -> None:
        self.node_id = post.node_id
        self.queue = post.queue
        self.pid = os.getpid()
        self.name = f"{post.node_name} {post.queue} {self.pid}"
        self._row_id: UUID | None = None
        self._next_beat = 0.0
        self._browser_keeper = post.browser_keeper
        self._browser_host: BrowserHost | None = None
        self._leaving = False

    @property
    def is_leaving(self) -> bool:
        """Whether this process takes no further ticket."""
        return self._leaving

    def leave(self) -> None:
        """Take no further ticket and end when this one is done: code that blocks was left behind in a thread."""
        self._leaving = True

    @property
    def row_id(self) -> UUID:
        """Key of this process's WorkerProcess row, written now if it is not there yet."""
        if self._row_id is None:
            row = nodes.register_process(node_id=self.node_id, queue=self.queue, pid=self.pid)
            self._row_id = row.pk
        return self._row_id

    @property
    def browser_host(self) -> BrowserHost:
        """What this process has its browser from, started on first use; the browser itself starts with its first lease."""
        if self._browser_host is None:
            self._browser_host = BrowserHost(
                locate(settings.BROWSER_EXECUTABLE or None),
                recycle=RecyclePolicy(
                    attempts=settings.BROWSER_MAX_ATTEMPTS,
                    age=settings.BROWSER_MAX_AGE,
                    memory_bytes=settings.BROWSER_MAX_MEMORY_BYTES,
                    page_memory_bytes=settings.PAGE_LIMITS.page_memory_bytes,
                ),
                keeper=self._browser_keeper,
            )
            self._browser_host.start()
        return self._browser_host

    def beat(self) -> None:
        """Extend this process's lease, at most every quarter of it. An unreachable database is tried again next time."""
        if monotonic() < self._next_beat:
            return
        try:
            contexts = self._browser_host.open_contexts if self._browser_host is not None else 0
            if not nodes.beat_process(process_id=self.row_id, browser_contexts=contexts):
                _log.warning("worker_process_row_gone", process=self.name)
                self._row_id = None
                _ = self.row_id
        except DatabaseError as error:
            if not is_lock_or_connection_error(error):
                raise
            _log.warning("worker_beat_missed", process=self.name, error=str(error))
            connections.close_all()
            self._next_beat = monotonic() + RETRY_SECONDS
        else:
            self._next_beat = monotonic() + quarter_lease_seconds()

    def close(self) -> None:
        """End the browser and take the row away: this process leaves on purpose."""
        if self._browser_host is not None:
            self._browser_host.close()
            self._browser_host = None
        if self._row_id is None:
            return
        try:
            nodes.end_process(process_id=self._row_id)
        except DatabaseError as error:
            # The row ages out with its lease; leaving must not wait for a database.
            _log.warning("worker_process_row_left", process=self.name, error=str(error))


class _Place:
    """Where this tree works, and the handle of this very process."""

    post: Post | None = None
    handle: WorkerHandle | None = None


def take_post(post: Post) -> None:
    """Say, before processes are forked, for which node and queue they will work."""
    _Place.post = post


def current_process() -> WorkerHandle:
    """This worker process; raises NotAWorkerProcessError in any other process."""
    if _Place.post is None:
        raise NotAWorkerProcessError
    if _Place.handle is None or _Place.handle.pid != os.getpid():
        _Place.handle = WorkerHandle(_Place.post)
    return _Place.handle
