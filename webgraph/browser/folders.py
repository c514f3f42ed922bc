"""Temporary folders of browser hosts: each host has one of its own, and dead owners' folders are swept."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import tempfile
from pathlib import Path

import psutil

from webgraph.browser import processes


def make(root: Path | None = None) -> Path:
    """A fresh private folder, named after the process that owns it."""
    base = _base(root)
    owner = psutil.Process()
    name = f"{owner.pid}-{_start_of(owner)}-{secrets.token_hex(3)}"
    folder = base / name
    folder.mkdir(mode=0o700)
    return folder


def sweep(root: Path | None = None) -> list[Path]:
    """Remove the folders whose owner is dead, end what still runs out of them, and return what was removed."""
    removed = []
    for folder in _base(root).iterdir():
        if not folder.is_dir() or _owner_lives(folder.name):
            continue
        processes.kill(processes.owned_by(folder))
        remove(folder)
        removed.append(folder)
    return removed


def remove(folder: Path) -> None:
    """Remove a host's folder; what a dying browser still writes there is left for the next sweep."""
    shutil.rmtree(folder, ignore_errors=True)


def _base(root: Path | None) -> Path:
    base = (root or Path(tempfile.gettempdir())) / f"webgraph-{os.getuid()}"
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = base.lstat()
    # In a world-writable folder somebody else may have made the name first.
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        msg = f"{base} belongs to somebody else; remove it, or point TMPDIR at a private folder."
        raise PermissionError(msg)
    return base


def _owner_lives(name: str) -> bool:
    pid, _, rest = name.partition("-")
    started = rest.partition("-")[0]
    if not (pid.isdigit() and started.isdigit()):
        return True  # not a folder of ours: leave it alone
    try:
        return _start_of(psutil.Process(int(pid))) == int(started)
    except psutil.NoSuchProcess:
        return False


def _start_of(process: psutil.Process) -> int:
    return int(process.create_time() * 100)
