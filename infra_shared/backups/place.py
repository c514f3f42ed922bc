"""The folder that back-ups share.

DIR/lock                        held while a back-up is made
DIR/blobs/aa/bb/<digest>        every content once, whichever back-ups need it
DIR/20261123T060000-000000Z/    one back-up: manifest.json, the dump, blobs.list
DIR/….partial/                  one that was broken off
"""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from infra_shared.backups.errors import BackupError
from infra_shared.backups.manifest import FILE, Manifest
from infra_shared.blobs.file_store import FileBlobStore
from infra_shared.blobs.protocol import BlobEncoding, BlobInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

BLOB_LIST = "blobs.list"
_PARTIAL = ".partial"
_MODE = 0o700  # the dump holds everything there is to know of the installation


class BackupPlace:
    """Back-ups below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.blobs = FileBlobStore(root / "blobs")

    def names(self) -> list[str]:
        """The finished back-ups, the oldest first."""
        return sorted(
            path.parent.name for path in self.root.glob(f"*/{FILE}") if path.parent.suffix != _PARTIAL
        )

    def folder(self, name: str | None) -> Path:
        """The folder of a back-up, of the newest without a name; BackupError when there is none."""
        names = self.names()
        if not names:
            raise BackupError(f"There is no back-up in {self.root}. Make one: manage.py backup create DIR")
        if name is not None and name not in names:
            raise BackupError(f"There is no back-up {name} in {self.root}; there are {', '.join(names)}.")
        return self.root / (name or names[-1])

    def held(self, digest: str, size_bytes: int) -> BlobInfo | None:
        """A content as it is kept here, in whichever encoding it came first."""
        for encoding in BlobEncoding:
            info = BlobInfo(digest, size_bytes, 0, encoding.value)
            if self.blobs.exists(info):
                return info
        return None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else writes here meanwhile; makes the folder where there is none. BackupError when somebody does."""
        try:
            self.root.mkdir(mode=_MODE, parents=True, exist_ok=True)
            lock = os.open(self.root / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            raise BackupError(f"{self.root} cannot be written: {error.strerror}.") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as error:
            raise BackupError(
                f"Another back-up command is at work in {self.root}; wait for its end."
            ) from error
        finally:
            os.close(lock)

    @contextmanager
    def begun(self, at: datetime) -> Iterator[Path]:
        """A folder to fill. It counts as a back-up only once the block has ended well."""
        final = self.root / at.strftime("%Y%m%dT%H%M%S-%fZ")
        partial = final.with_name(final.name + _PARTIAL)
        if final.exists():
            raise BackupError(f"{final} exists already; try again.")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=_MODE)
        try:
            yield partial
            partial.rename(final)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def write_durably(path: Path, pieces: Iterable[str]) -> None:
    """A text file that is on the disk when this returns."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(pieces)
        file.flush()
        os.fsync(file.fileno())


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write what a back-up says of itself; last of all, for it is what makes a back-up."""
    write_durably(folder / FILE, [manifest.model_dump_json(indent=2), "\n"])


def read_blob_list(path: Path) -> Iterator[BlobInfo]:
    """The blobs of a back-up as the database named them; their stored length is not known."""
    with path.open(encoding="ascii") as file:
        for line in file:
            digest, size, encoding = line.rstrip("\n").split("\t")
            yield BlobInfo(digest, int(size), 0, encoding)
