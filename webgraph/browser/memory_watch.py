"""Ends the process of a page that takes too much memory, so that the others in its browser can go on."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import psutil

from webgraph.browser import processes

if TYPE_CHECKING:
    from collections.abc import Callable

LOOK_SECONDS = 0.5
"""A page fills a gigabyte in about that time."""
_PAGE = "--type=renderer"
_log = logging.getLogger(__name__)


async def watch(
    root: Callable[[], psutil.Process | None], most_bytes: int, ending: Callable[[], None]
) -> None:
    """Look at the pages below a process until cancelled; `ending` is called before one is ended.

    Pages of two attempts never share a process, as each attempt has a browser context of its own.
    """
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        found = root()
        for process, size in await asyncio.to_thread(_too_big, found, most_bytes) if found else ():
            _log.warning("page_ended_for_memory pid=%d bytes=%d", process.pid, size)
            ending()
            await asyncio.to_thread(processes.kill, [process])


def _too_big(root: psutil.Process, most_bytes: int) -> list[tuple[psutil.Process, int]]:
    """The pages' processes that take more, and how much. What is shared counts in shares, which takes longer to ask."""
    pages = [process for process in processes.tree(root) if _resident_bytes(process) > most_bytes]
    weighed = [(process, processes.memory_bytes([process])) for process in pages if _is_page(process)]
    return [(process, size) for process, size in weighed if size > most_bytes]


def _resident_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0  # it ended meanwhile


def _is_page(process: psutil.Process) -> bool:
    try:
        return _PAGE in process.cmdline()
    except psutil.Error:
        return False  # it ended meanwhile
