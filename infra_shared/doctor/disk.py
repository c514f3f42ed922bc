"""Whether the folders this system writes to can be written to, and have room."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.files.storage import FileSystemStorage, storages

from infra_shared.blobs.django_store import STORAGE_ALIAS
from infra_shared.checkup import Check, bad, good, odd, register
from infra_shared.sizes import in_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra_shared.checkup import Finding

ADVICE = "Make room: artifacts prune, shorter retention (docs/retention.md), or a larger disk."
FULL_BYTES = 1_000_000_000
LOW_BYTES = 5_000_000_000
FULL_INODES = 0.01
LOW_INODES = 0.05
"""Shares of the file system's inodes that are free."""


def look() -> Iterator[Finding]:
    """One finding for each folder that cannot be written to, and for each disk."""
    disks: dict[int, list[tuple[str, Path]]] = {}
    for name, folder in places().items():
        try:
            _write_to(standing(folder))
        except OSError as error:
            yield bad(
                f"{name} {folder} cannot be written to: {error.strerror or error}.",
                "Make it, and let it belong to the user the server runs as.",
            )
        else:
            disks.setdefault(standing(folder).stat().st_dev, []).append((name, folder))
    for folders in disks.values():
        yield _room(folders)


def places() -> dict[str, Path]:
    """The folders that grow, by what they are called in settings."""
    found = {"DATA_DIR": Path(settings.DATA_DIR), "TMPDIR": Path(tempfile.gettempdir())}
    store = storages[STORAGE_ALIAS]
    if isinstance(store, FileSystemStorage):
        found["the artifacts' folder"] = Path(store.location)
    if settings.ARTIFACTS_SPOOL_BYTES > 0:
        found["ARTIFACTS_SPOOL_DIR"] = Path(settings.ARTIFACTS_SPOOL_DIR)
    return found


def standing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there; none is made, which might then belong to the wrong user."""
    return next(place for place in (folder, *folder.absolute().parents) if place.exists())


def _write_to(folder: Path) -> None:
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"room")
        file.flush()
        os.fsync(file.fileno())


def _room(folders: list[tuple[str, Path]]) -> Finding:
    place = standing(folders[0][1])
    usage, facts = shutil.disk_usage(place), os.statvfs(place)
    names = " and ".join(f"{name} {folder}" for name, folder in folders)
    words = f"{in_words(usage.free)} of {in_words(usage.total)} are free for {names}."
    # Some file systems make inodes as they need them, and tell of none.
    inodes = facts.f_favail / facts.f_files if facts.f_files else 1.0
    if usage.free < FULL_BYTES or inodes < FULL_INODES:
        return bad(_with_inodes(words, inodes), ADVICE)
    if usage.free < LOW_BYTES or inodes < LOW_INODES:
        return odd(_with_inodes(words, inodes), ADVICE)
    return good(words)


def _with_inodes(words: str, inodes: float) -> str:
    return words if inodes >= LOW_INODES else f"{words} Of its inodes only {inodes:.1%} are free."


register(Check(name="disk", look=look, advice=ADVICE, order=60))
