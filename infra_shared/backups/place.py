"""The folder that back-ups share.

DIR/lock                        held while a back-up is made or removed; shared while one is read
DIR/blobs/aa/bb/<digest>        every content once, whichever back-ups need it
DIR/20261123T060000-000000Z/    one back-up: manifest.json, the dump, blobs.list
DIR/….partial/                  one that was broken off, or is being removed
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
_BROKEN_OFF = f"????????T??????-??????Z{_PARTIAL}"
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
        """Nobody else is at work here meanwhile; makes the folder where there is none. BackupError when somebody is."""
        try:
            self.root.mkdir(mode=_MODE, parents=True, exist_ok=True)
            lock = os.open(self.root / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            raise BackupError(f"{self.root} cannot be written: {error.strerror}.") from error
        try:
            self._take(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Nobody writes here or removes anything meanwhile, while others may read; BackupError when somebody does.

        A folder without a lock is a copy that no command wrote to.
        """
        try:
            lock = os.open(self.root / "lock", os.O_RDONLY)
        except FileNotFoundError:
            yield
            return
        except OSError as error:
            raise BackupError(f"{self.root} cannot be read: {error.strerror}.") from error
        try:
            self._take(lock, fcntl.LOCK_SH)
            yield
        finally:
            os.close(lock)

    def _take(self, lock: int, how: int) -> None:
        try:
            fcntl.flock(lock, how | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BackupError(
                f"Another back-up command is at work in {self.root}; wait for its end."
            ) from error
        except OSError as error:
            raise BackupError(
                f"{self.root} knows no locks ({error.strerror}); mount it so that it does, or take a copy of it."
            ) from error

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
            _sync_folder(self.root)
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def broken_off(self) -> list[Path]:
        """What unfinished back-ups left behind; one that is being made is among them."""
        return sorted(self.root.glob(_BROKEN_OFF))

    def discard(self, names: Iterable[str]) -> None:
        """Remove back-ups and what unfinished ones left; BackupError when the disk refuses. For whom holds the lock."""
        try:
            for name in names:
                path = self.root / name
                path.rename(path.with_name(name + _PARTIAL))
            # From here on they are no back-ups, whatever happens: nobody may find one whose bytes are gone.
            _sync_folder(self.root)
            for path in self.broken_off():
                shutil.rmtree(path)
        except OSError as error:
            raise BackupError(f"Removing broke off; begin again once it can be done: {error}") from error


def write_durably(path: Path, pieces: Iterable[str]) -> None:
    """A text file that is on the disk when this returns."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(pieces)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write what a back-up says of itself; last of all, for it is what makes a back-up."""
    write_durably(folder / FILE, [manifest.model_dump_json(indent=2), "\n"])


def read_blob_list(path: Path) -> Iterator[BlobInfo]:
    """The blobs of a back-up as the database named them; their stored length is not known."""
    with path.open(encoding="ascii") as file:
        for line in file:
            digest, size, encoding = line.rstrip("\n").split("\t")
            yield BlobInfo(digest, int(size), 0, encoding)
