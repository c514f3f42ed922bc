"""Which processes belong to one browser host: found by identity, never by a program's name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_GONE = (psutil.NoSuchProcess, psutil.ZombieProcess)
_UNREADABLE = (psutil.AccessDenied, *_GONE)


def owned_by(folder: Path) -> list[psutil.Process]:
    """Every live process that was started with this folder as its temporary folder, and its descendants.

    The mark is inherited, so a browser whose driver was killed and which now belongs to init is still found.
    """
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        if process.pid in found or not _has_mark(process, str(folder)):
            continue
        for member in tree(process):
            found[member.pid] = member
    return list(found.values())


def tree(root: psutil.Process) -> list[psutil.Process]:
    """A process and all its descendants that are alive now."""
    try:
        return [root, *root.children(recursive=True)] if _alive(root) else []
    except _GONE:
        return []


def kill(processes: Iterable[psutil.Process], *, wait_seconds: float = 3.0) -> list[psutil.Process]:
    """Kill these processes and return those that are still there after the wait.

    psutil compares the start time before it signals, so a reused process id is never hit.
    """
    doomed = list(processes)
    for process in doomed:
        try:
            process.kill()
        except _GONE:
            continue
    _, alive = psutil.wait_procs(doomed, timeout=wait_seconds)
    return [process for process in alive if _alive(process)]


def memory_bytes(processes: Iterable[psutil.Process]) -> int:
    """The memory these processes really cost: proportional share where the system tells it, else resident size.

    Summed resident sizes count shared pages once for each process, which for Chromium is two to five times too much.
    """
    return sum(_memory_of(process) for process in processes)


def _memory_of(process: psutil.Process) -> int:
    try:
        full = process.memory_full_info()
        return int(getattr(full, "pss", 0) or full.rss)
    except psutil.AccessDenied:
        return int(process.memory_info().rss) if _alive(process) else 0
    except _GONE:
        return 0


def _has_mark(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get("TMPDIR") == mark
    except (*_UNREADABLE, OSError):
        return False


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except _GONE:
        return False
