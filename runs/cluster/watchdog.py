"""The watchdog: ends a node whose processes live but do nothing.

A dead process is started again by its parent; a hung one is noticed only from outside. Sentinels and the outermost
process send a beat each second or faster. When a sentinel falls silent the watchdog exits with `STALLED`, upon which
the outermost process kills the tree and exits with the same code; when the outermost process itself is silent, the
watchdog kills it and the kernel takes the rest along. Whatever started the node starts it again.

`python -m runs.cluster.watchdog DESCRIPTOR PARENT_PID`, free of Django and of the database.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

from infra_shared.clock import monotonic
from runs.cluster.beats import received
from runs.cluster.kernel import settle_as_child

if TYPE_CHECKING:
    from collections.abc import Sequence

STALLED = 70
"""Exit code of a watchdog, and of a node, that found a silent process (EX_SOFTWARE)."""
NODE = "node"
SILENCE_SECONDS = 15.0
FIRST_BEAT_SECONDS = 60.0
LOOK_SECONDS = 1.0
ASLEEP_SECONDS = 5.0


class Watch:
    """By when each expected process has to be heard again."""

    def __init__(self, now: float) -> None:
        self._due = {NODE: now + FIRST_BEAT_SECONDS}

    def hear(self, name: str, expected: Sequence[str], now: float) -> None:
        """Take a beat. The node's own beat says, each time anew, whose beats are expected beside it."""
        if name == NODE:
            self._due = {other: self._due.get(other, now + FIRST_BEAT_SECONDS) for other in expected}
        if name == NODE or name in self._due:
            self._due[name] = now + SILENCE_SECONDS

    def forgive(self, now: float) -> None:
        """Begin anew: nobody could be heard, because this process or the whole machine was standing still."""
        self._due = {name: max(due, now + SILENCE_SECONDS) for name, due in self._due.items()}

    def silent(self, now: float) -> list[str]:
        """The names that are overdue."""
        return sorted(name for name, due in self._due.items() if now > due)


def main(arguments: Sequence[str]) -> int:
    """Watch until somebody falls silent."""
    descriptor, parent_pid = int(arguments[0]), int(arguments[1])
    settle_as_child(parent_pid)
    silent = _watch(socket.socket(fileno=descriptor))
    _say(f"no beat of {', '.join(silent)} for {SILENCE_SECONDS:.0f} s: ending the node")
    if NODE in silent:
        os.kill(parent_pid, signal.SIGKILL)
    return STALLED


def _watch(channel: socket.socket) -> list[str]:
    watch, last_look = Watch(monotonic()), monotonic()
    while True:
        wait([channel], LOOK_SECONDS)
        now = monotonic()
        if now - last_look > ASLEEP_SECONDS:
            watch.forgive(now)
        last_look = now
        for name, *expected in received(channel):
            watch.hear(name, expected, now)
        if silent := watch.silent(now):
            return silent


def _say(line: str) -> None:
    sys.stderr.write(f"watchdog: {line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
