"""How many browsers run below this node and what they cost, looked up among its own processes.

The outermost process starts none itself: they stand below the keeper, or below worker processes that have one of their
own. So they are found in the tree, by the argument with which Playwright starts each of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil

from infra_shared import clock
from runs.services.nodes import BrowsersSeen
from webgraph.browser import processes

if TYPE_CHECKING:
    from collections.abc import Callable

WEIGH_SECONDS = 30.0
"""How often their memory is added up, which takes about a millisecond for each of their processes."""
_STARTED_BY_PLAYWRIGHT = "--remote-debugging-pipe"
_HELPER = "--type="
_GONE = (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess)


class BrowserCensus:
    """Remembers which browsers it has seen, so that it can tell how often one was started."""

    def __init__(self, outermost_pid: int, *, monotonic: Callable[[], float] = clock.monotonic) -> None:
        self._outermost_pid = outermost_pid
        self._monotonic = monotonic
        self._known: set[psutil.Process] = set()
        self._started = 0
        self._memory_bytes = 0
        self._weigh_at = 0.0

    def look(self) -> BrowsersSeen:
        """What runs now. One that came and went between two looks is not counted."""
        found = set(browsers_below(self._outermost_pid))
        new = found - self._known
        self._started += len(new)
        self._known = found
        if new or self._monotonic() >= self._weigh_at:
            members = (member for browser in found for member in processes.tree(browser))
            self._memory_bytes = processes.memory_bytes(members)
            self._weigh_at = self._monotonic() + WEIGH_SECONDS
        return BrowsersSeen(
            running=len(found), memory_bytes=self._memory_bytes if found else 0, started=self._started
        )


def browsers_below(pid: int) -> list[psutil.Process]:
    """The browsers among a process's descendants: of each its first process, which may be a script that starts it."""
    try:
        found = [process for process in psutil.Process(pid).children(recursive=True) if _is_browser(process)]
    except psutil.NoSuchProcess:
        return []
    pids = {process.pid for process in found}
    return [process for process in found if _parent(process) not in pids]


def _parent(process: psutil.Process) -> int:
    try:
        return process.ppid()
    except _GONE:
        return 0


def _is_browser(process: psutil.Process) -> bool:
    try:
        words = process.cmdline()
    except _GONE:
        return False
    return _STARTED_BY_PLAYWRIGHT in words and not any(word.startswith(_HELPER) for word in words)
