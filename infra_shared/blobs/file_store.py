"""A blob store in a folder. Knows no Django: a browser driven without the server keeps its evidence here."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from infra_shared.blobs.encoding import PlainReader, write_encoded
from infra_shared.blobs.protocol import (
    BlobEncoding,
    BlobInfo,
    BlobNotFoundError,
    BlobStorageError,
    stored_name,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra_shared.blobs.protocol import BlobReader, StoredBlob

_INCOMING = "incoming"


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
            return PlainReader(file, encoding=blob.encoding, start=start, length=length)

    def exists(self, blob: StoredBlob) -> bool:
        """Whether the store holds it."""
        with _storage_errors("looked up"):
            return self._path(blob.digest, blob.encoding).is_file()

    def delete(self, blob: StoredBlob) -> None:
        """Remove it; nothing happens when it is not there."""
        with _storage_errors("deleted"):
            self._path(blob.digest, blob.encoding).unlink(missing_ok=True)

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
                # A sweeper that goes by age must see that the content was wanted again.
                os.utime(path)
                return BlobInfo(digest, size_bytes, stored_bytes, encoding.value)
        return None

    @contextmanager
    def _incoming_file(self) -> Iterator[IO[bytes]]:
        folder = self._root / _INCOMING
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


@contextmanager
def _storage_errors(done: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        why = "the disk is full" if full else (error.strerror or str(error))
        msg = f"The bytes could not be {done}: {why}."
        raise BlobStorageError(msg) from error
