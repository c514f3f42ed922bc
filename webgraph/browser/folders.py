"""Temporary folders of browser hosts: each host has one of its own, and dead owners' folders are swept.

A host holds a lock on a file in its folder as long as it lives. The kernel gives the lock back however the owner
ends; process ids are reused, and start times move when the clock is set, so neither would tell as surely.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import stat
import tempfile
from pathlib import Path
from typing import IO

from webgraph.browser import processes

_LOCK = "owner.lock"
_UNFINISHED = "."


class HostFolder:
    """A private folder and the lock that says its owner lives."""

    def __init__(self, path: Path, lock: IO[str]) -> None:
        self.path = path
        self._lock = lock

    def remove(self) -> None:
        """Remove it; what a dying browser still writes there is left for nobody: the folder's name is gone."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()


def make(root: Path | None = None) -> HostFolder:
    """A fresh folder, owned until it is removed or this process ends."""
    base = _base(root)
    name = f"{os.getpid()}-{secrets.token_hex(4)}"
    # Under a name the sweep does not look at until the lock is held.
    unfinished = base / f"{_UNFINISHED}{name}"
    unfinished.mkdir(mode=0o700)
    lock = _try_lock(unfinished, create=True)
    assert lock is not None
    return HostFolder(unfinished.rename(base / name), lock)


def sweep(root: Path | None = None) -> list[Path]:
    """Remove the folders whose owner is dead, end what still runs out of them, and return what was removed."""
    removed = []
    for path in _base(root).iterdir():
        if path.name.startswith(_UNFINISHED) or not path.is_dir():
            continue
        lock = _try_lock(path, create=False)
        if lock is None:
            continue
        processes.kill(processes.owned_by(path))
        HostFolder(path, lock).remove()
        removed.append(path)
    return removed


def _try_lock(folder: Path, *, create: bool) -> IO[str] | None:
    """The folder's lock if nobody holds it; None for a living owner, or a folder that is not a host's."""
    try:
        lock = (folder / _LOCK).open("x" if create else "r+")
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _base(root: Path | None) -> Path:
    base = (root or Path(tempfile.gettempdir())) / f"webgraph-{os.getuid()}"
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = base.lstat()
    # In a world-writable folder somebody else may have made the name first.
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        msg = f"{base} belongs to somebody else; remove it, or point TMPDIR at a private folder."
        raise PermissionError(msg)
    return base
