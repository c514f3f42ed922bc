"""Bytes on their way from one store to another, looked at while they pass."""

from __future__ import annotations

import hashlib
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from infra_shared.backups.errors import BackupError
from infra_shared.blobs.protocol import BlobEncoding, BlobStorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra_shared.blobs.protocol import BlobInfo, BlobReader, BlobStore, StoredBlob

_IN_MEMORY_BYTES = 8 * 1024 * 1024
_PIECE_BYTES = 256 * 1024


def copy_blob(blob: StoredBlob, *, source: BlobStore, target: BlobStore) -> BlobInfo:
    """Copy one content and say how the target keeps it.

    What is read is hashed, so that damage is found when a back-up is made and not when it is needed. Raises BlobError
    when the source does not have it whole, BackupError when the target does not take it.
    """
    with source.open(blob) as reader, _body(reader, blob) as body:
        try:
            return target.put(body, text=blob.encoding == BlobEncoding.ZSTD)
        except BlobStorageError as error:
            raise BackupError(f"{error} Make room, or see to the store, and begin again.") from error


def check_blob(blob: StoredBlob, *, store: BlobStore) -> None:
    """Read one content to its end; raises BlobError when it is missing or not what its name says."""
    digest = hashlib.sha256()
    with store.open(blob) as reader:
        while piece := reader.read(_PIECE_BYTES):
            digest.update(piece)
    _compare(digest.hexdigest(), blob)


@contextmanager
def _body(reader: BlobReader, blob: StoredBlob) -> Iterator[bytes | Path]:
    """The plain bytes, in a temporary file where they are many; known to be those of the digest."""
    if blob.size_bytes <= _IN_MEMORY_BYTES:
        body = b"".join(iter(lambda: reader.read(_PIECE_BYTES), b""))
        _compare(hashlib.sha256(body).hexdigest(), blob)
        yield body
        return
    digest = hashlib.sha256()
    with tempfile.NamedTemporaryFile(prefix="backup-") as file:
        while piece := reader.read(_PIECE_BYTES):
            digest.update(piece)
            file.write(piece)
        file.flush()
        _compare(digest.hexdigest(), blob)
        yield Path(file.name)


def _compare(found: str, blob: StoredBlob) -> None:
    if found != blob.digest:
        msg = f"The stored bytes of {blob.digest} are damaged: they are not those of its name."
        raise BlobStorageError(msg)
