"""A blob store in a folder. Knows no Django: a browser driven without the server keeps its evidence here."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

from infra_shared.blobs.encoding import PlainReader, write_encoded
from infra_shared.blobs.protocol import (
    INCOMING,
    BlobEncoding,
    BlobInfo,
    BlobNotFoundError,
    BlobStorageError,
    StoredFile,
    stored_name,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra_shared.blobs.protocol import BlobReader, StoredBlob


class FileBlobStore:
    """Blobs as files below `root`, each written beside its place, forced to disk and renamed into it."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, source: bytes | Path, *, text: bool) -> BlobInfo:
        """Keep the bytes, or the content of a file, durably; raises BlobStorageError when they cannot be kept."""
        with _storage_errors("stored"):
            known = self._known_bytes(source)
            return known or self._write(source, text=text)

    def open(self, blob: StoredBlob, *, start: int = 0, length: int | None = None) -> BlobReader:
        """A reader of the plain bytes from `start`, at most `length` of them."""
        with _storage_errors("read"):
            try:
                file = self._path(blob.digest, blob.encoding).open("rb")
            except FileNotFoundError:
                raise BlobNotFoundError(blob.digest) from None
            return PlainReader(file, blob, start=start, length=length)

    def exists(self, blob: StoredBlob) -> bool:
        """Whether the store holds it."""
        with _storage_errors("looked up"):
            return self._path(blob.digest, blob.encoding).is_file()

    def delete(self, blob: StoredBlob) -> None:
        """Remove it; nothing happens when it is not there."""
        with _storage_errors("deleted"):
            self._path(blob.digest, blob.encoding).unlink(missing_ok=True)

    def files(self, shelf: str) -> Iterator[StoredFile]:
        """The files of one shelf, in no order."""
        pattern = "*" if shelf == INCOMING else "*/*"
        with _storage_errors("listed"):
            for path in (self._root / shelf).glob(pattern):
                with suppress(FileNotFoundError):  # moved into place, or removed, since it was listed
                    facts = path.stat()
                    name = path.relative_to(self._root).as_posix()
                    yield StoredFile(name, facts.st_size, _modified(facts))

    def remove_unwanted(self, name: str, *, before: datetime) -> bool:
        """Remove a file that was last put before then; False when it was put since, or is gone.

        It is taken aside first and looked at there: whoever puts the same content in this moment either made it young
        before, and then it goes back, or finds it gone and writes it anew.
        """
        path, aside = self._root / name, self._root / INCOMING / f"swept-{Path(name).name}"
        with _storage_errors("removed"):
            aside.parent.mkdir(parents=True, exist_ok=True)
            try:
                if _modified(path.stat()) >= before:
                    return False
                path.replace(aside)
            except FileNotFoundError:
                return False
            is_young = _modified(aside.stat()) >= before
            if is_young:
                with suppress(FileExistsError):  # written anew meanwhile: the same bytes
                    os.link(aside, path)
            aside.unlink()
        return not is_young

    def _path(self, digest: str, encoding: str) -> Path:
        return self._root / stored_name(digest, encoding)

    def _write(self, source: bytes | Path, *, text: bool) -> BlobInfo:
        with self._incoming_file() as incoming:
            info = write_encoded(source, incoming, text=text)
            known = self._known(info.digest, info.size_bytes)
            if known is not None:
                return known
            incoming.flush()
            os.fsync(incoming.fileno())
            self._move_into_place(Path(incoming.name), self._path(info.digest, info.encoding))
        return info

    def _known_bytes(self, source: bytes | Path) -> BlobInfo | None:
        """The stored blob for bytes in memory: cheaper than writing them first, and evidence repeats itself."""
        if isinstance(source, Path):
            return None
        return self._known(hashlib.sha256(source).hexdigest(), len(source))

    def _known(self, digest: str, size_bytes: int) -> BlobInfo | None:
        """The same content as already stored, in whichever encoding came first."""
        for encoding in BlobEncoding:
            path = self._path(digest, encoding)
            with suppress(FileNotFoundError):
                stored_bytes = path.stat().st_size
                if encoding == BlobEncoding.PLAIN and stored_bytes != size_bytes:
                    continue  # cut off since: it is put anew
                # A sweeper that goes by age must see that the content was wanted again.
                os.utime(path)
                return BlobInfo(digest, size_bytes, stored_bytes, encoding.value)
        return None

    @contextmanager
    def _incoming_file(self) -> Iterator[IO[bytes]]:
        folder = self._root / INCOMING
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as incoming:
            try:
                yield incoming
            finally:
                # Already gone when it was moved into place.
                Path(incoming.name).unlink(missing_ok=True)

    @staticmethod
    def _move_into_place(incoming: Path, place: Path) -> None:
        place.parent.mkdir(parents=True, exist_ok=True)
        incoming.replace(place)
        # The new name is durable only once its folder is.
        folder = os.open(place.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _modified(facts: os.stat_result) -> datetime:
    return datetime.fromtimestamp(facts.st_mtime, UTC)


@contextmanager
def _storage_errors(done: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        why = "the disk is full" if full else (error.strerror or str(error))
        msg = f"The bytes could not be {done}: {why}."
        raise BlobStorageError(msg) from error
