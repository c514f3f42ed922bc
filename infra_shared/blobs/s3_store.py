"""A blob store in a bucket of S3, or of a server that speaks its protocol.

The bucket, its keys and how it is reached come from django-storages' S3Storage; what is done with it goes through
boto3, because Django's interface reads an object only whole. Every request's body is signed by its SHA-256, so the
server itself refuses bytes that were altered on their way.
"""

from __future__ import annotations

import copy
import io
import os
import tempfile
import threading
from contextlib import contextmanager
from datetime import timedelta
from typing import IO, TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.utils import timezone

from infra_shared.blobs.encoding import PlainReader, write_encoded
from infra_shared.blobs.protocol import (
    INCOMING,
    BlobDamagedError,
    BlobEncoding,
    BlobError,
    BlobInfo,
    BlobNotFoundError,
    BlobStorageError,
    StoredFile,
    stored_name,
)
from infra_shared.blobs.s3_errors import storage_error

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from storages.backends.s3 import S3Storage  # type: ignore[import-untyped]  # it has no stubs

    from infra_shared.blobs.protocol import BlobReader, StoredBlob

PART_BYTES = 16 * 1024 * 1024
_SPOOL_BYTES = 4 * 1024 * 1024
_REWRITTEN_AFTER = timedelta(hours=6)
# One part at a time, in the thread that asked: what is in memory does not grow with the object.
_TRANSFER = TransferConfig(multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES, use_threads=False)
_CLIENTS: WeakKeyDictionary[S3Storage, tuple[int, Any]] = WeakKeyDictionary()
_CLIENTS_LOCK = threading.Lock()
_GONE = frozenset(("404", "NoSuchKey", "NotFound"))


class S3BlobStore:
    """Blobs as objects of one bucket, below the storage's `location`."""

    def __init__(self, storage: S3Storage) -> None:
        self._storage = storage
        self._bucket: str = storage.bucket_name
        folder = storage.location.strip("/")
        self._root = f"{folder}/" if folder else ""

    def put(self, source: bytes | Path, *, text: bool) -> BlobInfo:
        """Keep the bytes, or the content of a file, durably; raises BlobStorageError when they cannot be kept."""
        with s3_errors("stored"), tempfile.SpooledTemporaryFile(_SPOOL_BYTES) as spool:
            info = write_encoded(source, spool, text=text)
            known = self._known(info.digest, info.size_bytes)
            if known is not None:
                return known
            spool.seek(0)
            name = stored_name(info.digest, info.encoding)
            extra = {"ContentType": "application/octet-stream", **self._storage.get_object_parameters(name)}
            # Closed by the transfer, were it not wrapped: https://github.com/boto/s3transfer/issues/80
            body = _KeptOpen(spool)
            self._client.upload_fileobj(
                body, self._bucket, self._root + name, ExtraArgs=extra, Config=_TRANSFER
            )
        return info

    def open(self, blob: StoredBlob, *, start: int = 0, length: int | None = None) -> BlobReader:
        """A reader of the plain bytes from `start`, at most `length` of them; only those are sent, of a plain blob."""
        is_plain = blob.encoding == BlobEncoding.PLAIN
        last = blob.size_bytes if length is None else min(blob.size_bytes, start + length)
        if is_plain and start >= last and blob.size_bytes:
            return self._nothing(blob)
        asked: dict[str, Any] = {}
        is_part = is_plain and (start > 0 or last < blob.size_bytes)
        if is_part:
            asked["Range"] = f"bytes={start}-{last - 1}"
        with s3_errors("read"):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=self._key(blob), **asked)
            except ClientError as error:
                if _code(error) in _GONE:
                    raise BlobNotFoundError(blob.digest) from None
                if _code(error) == "InvalidRange":
                    raise BlobDamagedError("The stored bytes are damaged: they end too early.") from None
                raise
            body = cast("IO[bytes]", _Body(answer["Body"]))
            if is_part and not answer.get("ContentRange", "").startswith(f"bytes {start}-"):
                body.close()  # taken for the part, the whole would be other bytes than were asked for
                raise BlobStorageError(
                    "The bytes could not be read: the object store gives no part of an object."
                )
            return PlainReader(body, blob, start=start, length=length, is_positioned=is_plain)

    def exists(self, blob: StoredBlob) -> bool:
        """Whether the store holds it."""
        with s3_errors("looked up"):
            return self._head(self._key(blob)) is not None

    def delete(self, blob: StoredBlob) -> None:
        """Remove it; nothing happens when it is not there."""
        with s3_errors("deleted"):
            self._delete(self._key(blob))

    def files(self, shelf: str) -> Iterator[StoredFile]:
        """The files of one shelf, a thousand for each request; nothing is listed as under way: objects appear whole."""
        if shelf == INCOMING:
            return
        with s3_errors("listed"):
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._bucket, Prefix=f"{self._root}{shelf}/"):
                for item in page.get("Contents", ()):
                    yield StoredFile(item["Key"].removeprefix(self._root), item["Size"], item["LastModified"])

    def remove_unwanted(self, name: str, *, before: datetime) -> bool:
        """Remove a file that was last put before then; False when it was put since, or is gone.

        An object store cannot look and delete in one: what is put anew between the two, which takes some milliseconds a
        day after it was last wanted, is lost, and `missing` bytes are what a check of the store finds.
        """
        with s3_errors("removed"):
            head = self._head(self._root + name)
            if head is None or head["LastModified"] >= before:
                return False
            self._delete(self._root + name)
        return True

    @property
    def _client(self) -> Any:
        return _client_of(self._storage)

    def _key(self, blob: StoredBlob) -> str:
        return self._root + stored_name(blob.digest, blob.encoding)

    def _nothing(self, blob: StoredBlob) -> BlobReader:
        """A part behind the end, for which a server has only an error."""
        if not self.exists(blob):
            raise BlobNotFoundError(blob.digest)
        return PlainReader(io.BytesIO(), blob, start=blob.size_bytes, length=0, is_positioned=True)

    def _head(self, key: str) -> dict[str, Any] | None:
        try:
            return dict(self._client.head_object(Bucket=self._bucket, Key=key))
        except ClientError as error:
            if _code(error) in _GONE:
                return None
            raise

    def _delete(self, key: str) -> None:
        try:
            self._client.delete_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if _code(error) not in _GONE:  # some servers say so, S3 itself does not
                raise

    def _known(self, digest: str, size_bytes: int) -> BlobInfo | None:
        """The same content as already stored, in whichever encoding came first; None where it is to be put anew."""
        since = fresh_since()
        for encoding in BlobEncoding:
            head = self._head(self._root + stored_name(digest, encoding))
            if head is None or head["LastModified"] < since:
                continue
            if encoding == BlobEncoding.PLAIN and head["ContentLength"] != size_bytes:
                continue  # not what was put: it is put anew
            return BlobInfo(digest, size_bytes, head["ContentLength"], encoding.value)
        return None


def fresh_since() -> datetime:
    """Content that is wanted again and was put before then is put anew: well before a sweeper could think it unwanted."""
    return timezone.now() - min(_REWRITTEN_AFTER, settings.ORPHAN_GRACE / 4)


def _client_of(storage: S3Storage) -> Any:
    """One client for all threads of a process. django-storages makes one for each, which takes half a second.

    A forked child has its own: a pool of connections must not be shared. The copy is one without connections.
    """
    with _CLIENTS_LOCK:
        made = _CLIENTS.get(storage)
        if made is None or made[0] != os.getpid():
            made = (os.getpid(), copy.copy(storage).connection.meta.client)
            _CLIENTS[storage] = made
        return made[1]


class _KeptOpen:
    """A file to read from whose `close` does nothing."""

    def __init__(self, file: IO[bytes]) -> None:
        self.read, self.seek, self.tell = file.read, file.seek, file.tell

    def seekable(self) -> bool:
        """What an upload wants to know to begin again after a failure."""
        return True

    def close(self) -> None:
        """Leave it open."""


class _Body:
    """The body of an answer as a file, its errors those of a store."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def read(self, size: int = -1, /) -> bytes:
        with s3_errors("read"):
            return bytes(self._body.read(None if size < 0 else size))

    def close(self) -> None:
        self._body.close()


@contextmanager
def s3_errors(done: str) -> Iterator[None]:
    """Have what boto3 raises told as BlobStorageError: `done` is what could not be done with the bytes."""
    try:
        yield
    except BlobError:
        raise
    except (ClientError, BotoCoreError, Boto3Error, OSError) as error:
        raise storage_error(done, error) from error


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", "unknown"))
