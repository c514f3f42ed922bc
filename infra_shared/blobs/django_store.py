"""The store of this installation, as STORAGES says, and a blob store over any of Django's storages."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage, storages
from storages.backends.s3 import S3Storage  # type: ignore[import-untyped]  # it has no stubs

from infra_shared.blobs.encoding import PlainReader, write_encoded
from infra_shared.blobs.file_store import FileBlobStore
from infra_shared.blobs.protocol import (
    INCOMING,
    BlobEncoding,
    BlobInfo,
    BlobNotFoundError,
    BlobStorageError,
    StoredFile,
    stored_name,
)
from infra_shared.blobs.s3_store import S3BlobStore, fresh_since

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from infra_shared.blobs.protocol import BlobReader, StoredBlob, SweepableBlobStore

STORAGE_ALIAS = "artifacts"
_SPOOL_BYTES = 4 * 1024 * 1024


def artifact_store() -> SweepableBlobStore:
    """The store of this installation's artifacts, as STORAGES["artifacts"] says.

    A bucket is kept by S3BlobStore: Django's interface has no part of an object and no stream of one.

    Django's FileSystemStorage writes straight to the final name, so a crash leaves a cut file that looks whole. A
    local folder is therefore kept by FileBlobStore, which uses the same names.
    """
    storage = storages[STORAGE_ALIAS]
    if isinstance(storage, FileSystemStorage):
        return FileBlobStore(Path(storage.location))
    if isinstance(storage, S3Storage):
        return S3BlobStore(storage)
    return DjangoBlobStore(storage)


class DjangoBlobStore:
    """Blobs in a Django storage whose `save` is all or nothing, as an object store's is."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def put(self, source: bytes | Path, *, text: bool) -> BlobInfo:
        """Keep the bytes, or the content of a file, durably; raises BlobStorageError when they cannot be kept."""
        with _storage_errors("stored"):
            return self._write(source, text=text)

    def open(self, blob: StoredBlob, *, start: int = 0, length: int | None = None) -> BlobReader:
        """A reader of the plain bytes from `start`, at most `length` of them."""
        with _storage_errors("read"):
            try:
                file = self._storage.open(stored_name(blob.digest, blob.encoding), "rb")
            except FileNotFoundError:
                raise BlobNotFoundError(blob.digest) from None
            return PlainReader(file, blob, start=start, length=length)

    def exists(self, blob: StoredBlob) -> bool:
        """Whether the store holds it."""
        with _storage_errors("looked up"):
            return self._storage.exists(stored_name(blob.digest, blob.encoding))

    def delete(self, blob: StoredBlob) -> None:
        """Remove it; nothing happens when it is not there."""
        with _storage_errors("deleted"):
            self._storage.delete(stored_name(blob.digest, blob.encoding))

    def files(self, shelf: str) -> Iterator[StoredFile]:
        """The files of one shelf, by the calls every storage has; nothing is listed as under way: objects appear whole."""
        if shelf == INCOMING:
            return
        with _storage_errors("listed"):
            try:
                folders, _ = self._storage.listdir(shelf)
            except FileNotFoundError:
                return
            for folder in folders:
                for file in self._storage.listdir(f"{shelf}/{folder}")[1]:
                    name = f"{shelf}/{folder}/{file}"
                    yield StoredFile(name, self._storage.size(name), self._storage.get_modified_time(name))

    def remove_unwanted(self, name: str, *, before: datetime) -> bool:
        """Remove a file that was last put before then; False when it was put since, or is gone.

        An object store cannot look and delete in one: what is put anew between the two, which takes some milliseconds a
        day after it was last wanted, is lost, and `missing` bytes are what a check of the store finds.
        """
        with _storage_errors("removed"):
            if not self._storage.exists(name) or self._storage.get_modified_time(name) >= before:
                return False
            self._storage.delete(name)
        return True

    def _write(self, source: bytes | Path, *, text: bool) -> BlobInfo:
        with tempfile.SpooledTemporaryFile(_SPOOL_BYTES) as spool:
            info = write_encoded(source, spool, text=text)
            known = self._known(info.digest, info.size_bytes)
            if known is not None:
                return known
            spool.seek(0)
            name = stored_name(info.digest, info.encoding)
            saved_as = self._storage.save(name, File(spool, name=name))
            if saved_as != name:
                # Another process stored the same content first, and this storage does not overwrite.
                self._storage.delete(saved_as)
        return info

    def _known(self, digest: str, size_bytes: int) -> BlobInfo | None:
        """The same content as already stored, in whichever encoding came first; None where it is to be put anew."""
        since = fresh_since()
        for encoding in BlobEncoding:
            name = stored_name(digest, encoding)
            if self._storage.exists(name) and self._storage.get_modified_time(name) >= since:
                stored_bytes = self._storage.size(name)
                if encoding == BlobEncoding.PLAIN and stored_bytes != size_bytes:
                    self._storage.delete(name)  # not what was put: it is put anew
                    continue
                return BlobInfo(digest, size_bytes, stored_bytes, encoding.value)
        return None


@contextmanager
def _storage_errors(done: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        msg = f"The bytes could not be {done}: {error}."
        raise BlobStorageError(msg) from error
