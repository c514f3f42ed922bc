"""The browser that a node's worker processes share, as the outermost process sees it."""

from __future__ import annotations

import os
import socket
import sys
from typing import TYPE_CHECKING

import structlog
from django.conf import settings

from infra_shared.clock import monotonic
from runs.cluster.beats import received
from runs.cluster.browser_keeper import NAME, KeeperOrder
from runs.cluster.children import Child
from runs.cluster.watchdog import FIRST_BEAT_SECONDS, SILENCE_SECONDS
from webgraph.browser import folders

if TYPE_CHECKING:
    from pathlib import Path

_BACKLOG = 64
_log = structlog.get_logger(__name__)


class SharedBrowser:
    """Starts the keeper's process, starts it again when it ended or hangs, and holds the door to it open meanwhile.

    Whoever wants a browser while there is no keeper waits at the door until the next one is there. Losing the keeper
    loses its browser: the attempts in it are tried again.
    """

    def __init__(self) -> None:
        self._folder = folders.make()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(self.address))
        self._listener.listen(_BACKLOG)
        self._ear, self._mouth = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._silent_at = float("inf")
        self._starts_seen = 0
        self.child = Child(
            NAME,
            lambda _: self._command(),
            settings.BASE_DIR,
            descriptors=[self._listener.fileno(), self._mouth.fileno()],
        )

    @property
    def address(self) -> Path:
        """The Unix socket that worker processes connect to, in a folder for this user alone."""
        return self._folder.path / "browser"

    def tend(self) -> None:
        """Start the keeper again if it ended, after ending one that hangs."""
        heard = any(True for _ in received(self._ear))
        if self.child.starts != self._starts_seen:
            self._starts_seen, self._silent_at = self.child.starts, monotonic() + FIRST_BEAT_SECONDS
        if heard:
            self._silent_at = monotonic() + SILENCE_SECONDS
        if self.child.is_running and monotonic() > self._silent_at:
            _log.warning("browser_keeper_hangs")
            self.child.kill()
        self.child.tend()

    def close(self) -> None:
        """Remove what is left of it, its process having ended: folders that a killed one could not remove, too."""
        self._listener.close()
        self._ear.close()
        self._mouth.close()
        self._folder.remove()
        folders.sweep()

    def _command(self) -> list[str]:
        order = KeeperOrder(
            parent_pid=os.getpid(),
            listener=self._listener.fileno(),
            beats=self._mouth.fileno(),
            executable=settings.BROWSER_EXECUTABLE,
            attempts=settings.BROWSER_MAX_ATTEMPTS,
            age_seconds=settings.BROWSER_MAX_AGE.total_seconds(),
            memory_bytes=settings.BROWSER_MAX_MEMORY_BYTES,
            page_memory_bytes=settings.PAGE_LIMITS.page_memory_bytes,
            log_level=settings.LOG_LEVEL,
            log_json=settings.LOG_JSON,
        )
        return [sys.executable, "-m", "runs.cluster.browser_keeper", order.as_argument()]
