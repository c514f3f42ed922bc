"""The outermost process of a node: starts the tree, keeps it alive, passes on what signals say, and ends it.

It holds nothing that matters: killed at any moment, the kernel takes the tree along, and a new one begins where the
database says. Its loop waits for nothing but the clock; the database is the business of a thread (`node_row`).
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from django.conf import settings

from infra_shared import clock
from runs.cluster.beats import BeatSender
from runs.cluster.browsers import SharedBrowser
from runs.cluster.children import Child
from runs.cluster.node_row import NodeRow
from runs.cluster.spool_keeper import SpoolKeeper
from runs.cluster.watchdog import NODE, STALLED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from runs.cluster.code_watch import CodeWatch
    from runs.models import Node

LOOP_SECONDS = 0.2
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
ROW_SECONDS = 5.0
HELPERS_SECONDS = 10.0
CHORES_DELAY_SECONDS = 3.0  # housekeeping can wait while the run clusters need the processors to start
GRACE_BEYOND_ATTEMPT_SECONDS = 30.0
_log = structlog.get_logger(__name__)


class Ending(Enum):
    """Why a node's loop ended."""

    DRAINED = auto()
    AT_ONCE = auto()
    STALLED = auto()
    ROW_GONE = auto()
    NEW_CODE = auto()

    @property
    def exit_code(self) -> int:
        """What the process answers to whoever started it."""
        return {Ending.DRAINED: 0, Ending.NEW_CODE: 0, Ending.STALLED: STALLED}.get(self, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeParts:
    """What stands in a node's tree."""

    queues: Sequence[str]
    processes: int
    dispatcher: bool = True
    chores: bool = True


class NodeTree:
    """The tree of one node, from `run`'s beginning to its end."""

    def __init__(self, node: Node, parts: NodeParts, *, code_watch: CodeWatch | None = None) -> None:
        self._node = node
        self._row = NodeRow(node.pk)
        self._spool = SpoolKeeper()
        self._code_watch = code_watch
        self._signals = 0
        self._drain_began: float | None = None
        # Kept open here, so that a beat never meets a closed socket while the watchdog is started again.
        self._listener, speaker = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._beat_descriptor = speaker.detach()
        self._beat = BeatSender(NODE, os.dup(self._beat_descriptor))
        self._watchdog = self._make_watchdog()
        self._browser = SharedBrowser() if settings.BROWSER_SHARED else None
        self._clusters = [self._make_cluster(queue, processes=parts.processes) for queue in parts.queues]
        self._helpers = [self._make_dispatcher()] if parts.dispatcher else []
        if parts.chores:
            chores = self._make_cluster(settings.CHORES_QUEUE, processes=settings.CHORES_PROCESSES)
            chores.delay_seconds = CHORES_DELAY_SECONDS
            self._clusters.append(chores)

    def run(self) -> Ending:
        """Keep the tree until a signal, new code or a stall ends it; nothing of it is left when this returns."""
        for number in STOP_SIGNALS:
            signal.signal(number, self._count_signal)
        self._row.start()
        self._spool.start()
        for child in self._children():
            child.begin()
        ending = None
        while ending is None:
            self._beat.send(*(child.beat_name for child in self._clusters if child.is_running))
            ending = self._tend()
            clock.sleep(LOOP_SECONDS)
        _log.info("node_ending", node=self._node.name, why=ending.name.lower())
        self._end(ending)
        return ending

    def _tend(self) -> Ending | None:
        if self._watchdog.exit_code == STALLED:
            return Ending.STALLED
        if self._row.is_gone:
            return Ending.ROW_GONE
        self._watchdog.tend()
        if self._browser is not None:
            self._browser.tend()
        for helper in self._helpers:
            helper.tend()
        if self._drain_began is not None:
            return self._look_at_drain()
        for cluster in self._clusters:
            cluster.tend()
        new_code = self._code_watch is not None and self._code_watch.changed
        if self._signals or self._row.asked_to_drain or new_code:
            self._drain()
        return None

    def _drain(self) -> None:
        _log.info("node_draining", node=self._node.name)
        self._drain_began = clock.monotonic()
        self._row.drain()
        for cluster in self._clusters:
            cluster.terminate()

    def _look_at_drain(self) -> Ending | None:
        assert self._drain_began is not None
        if not any(cluster.is_running for cluster in self._clusters):
            return Ending.DRAINED if self._signals or self._row.asked_to_drain else Ending.NEW_CODE
        grace = settings.LONGEST_ATTEMPT.total_seconds() + GRACE_BEYOND_ATTEMPT_SECONDS
        if self._signals > 1 or clock.monotonic() - self._drain_began > grace:
            return Ending.AT_ONCE
        return None

    def _end(self, ending: Ending) -> None:
        """End what is left: helpers in peace after a drain, everything at once otherwise."""
        if ending in (Ending.DRAINED, Ending.NEW_CODE):
            self._end_helpers()
        for child in self._children():
            child.kill()
        if self._browser is not None:
            self._browser.close()
        self._spool.stop(within_seconds=ROW_SECONDS)
        if ending is not Ending.ROW_GONE:
            self._row.stop(within_seconds=ROW_SECONDS, hand_back=ending is Ending.AT_ONCE)

    def _end_helpers(self) -> None:
        deadline = clock.monotonic() + HELPERS_SECONDS
        helpers = [*self._helpers, *self._browser_keeper()]
        for helper in helpers:
            helper.terminate()
        while any(helper.is_running for helper in helpers) and clock.monotonic() < deadline:
            clock.sleep(LOOP_SECONDS / 4)

    def _count_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._signals += 1

    def _children(self) -> list[Child]:
        # Run clusters first: the sooner they are up, the sooner the first attempt is claimed.
        return [*self._clusters, *self._helpers, *self._browser_keeper(), self._watchdog]

    def _browser_keeper(self) -> list[Child]:
        return [] if self._browser is None else [self._browser.child]

    def _make_cluster(self, queue: str, *, processes: int) -> Child:
        def command(beat_name: str) -> list[str]:
            return [
                *_manage("worker_cluster", queue),
                f"--processes={processes}",
                f"--beats={self._beat_descriptor}",
                f"--beat-name={beat_name}",
                *(
                    []
                    if queue == settings.CHORES_QUEUE
                    else [f"--node={self._node.pk}", f"--node-name={self._node.name}"]
                ),
                *([] if self._browser is None else [f"--browser={self._browser.address}"]),
            ]

        return Child(
            f"cluster-{queue}",
            command,
            settings.BASE_DIR,
            # django-q2 reads which cluster a process belongs to from here, when it is imported.
            environment={"Q_CLUSTER_NAME": queue},
            descriptors=[self._beat_descriptor],
        )

    def _make_dispatcher(self) -> Child:
        command = _manage("dispatcher", f"--node={self._node.pk}")
        return Child("dispatcher", lambda _: command, settings.BASE_DIR)

    def _make_watchdog(self) -> Child:
        listener = self._listener.fileno()
        command = [sys.executable, "-m", "runs.cluster.watchdog", str(listener), str(os.getpid())]
        return Child("watchdog", lambda _: command, settings.BASE_DIR, descriptors=[listener])


def _manage(*arguments: str) -> list[str]:
    return [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), *arguments, f"--parent={os.getpid()}"]
