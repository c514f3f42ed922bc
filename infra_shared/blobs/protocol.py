"""What a blob store promises, whoever keeps the bytes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType


class BlobEncoding(StrEnum):
    """How the bytes are stored. The values are kept in the database and part of a stored file's name."""

    PLAIN = ""
    ZSTD = "zstd"


class BlobError(Exception):
    """Base of what a blob store raises on purpose."""


class BlobNotFoundError(BlobError):
    """The store holds no such blob."""

    def __init__(self, digest: str) -> None:
        super().__init__(f"The blob {digest} is not in the store.")
        self.digest = digest


class BlobStorageError(BlobError):
    """The store cannot take or give bytes now: full, unreachable or forbidden.

    Attributes:
        reason: one sentence fit to be shown as the reason why an artifact is missing.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class BlobDamagedError(BlobStorageError):
    """The store gave other bytes than were put, or not all of them: reading them again will not help."""


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """A stored blob: the SHA-256 of its plain bytes in hex, their length, the stored length, and the encoding."""

    digest: str
    size_bytes: int
    stored_bytes: int
    encoding: str


class StoredBlob(Protocol):
    """What is needed to read a blob: a `BlobInfo` or a row with the same fields."""

    @property
    def digest(self) -> str:
        """SHA-256 of the plain bytes in hex."""

    @property
    def size_bytes(self) -> int:
        """Length of the plain bytes."""

    @property
    def encoding(self) -> str:
        """A value of BlobEncoding."""


class BlobReader(Protocol):
    """Plain bytes of one blob, in order. Not safe for use by two threads at once."""

    def read(self, size: int, /) -> bytes:
        """At most `size` further bytes; empty at the end. Raises BlobStorageError, of which BlobDamagedError is one."""

    def close(self) -> None:
        """Release what is held; may be called twice."""

    def __enter__(self) -> Self:
        """The reader itself."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""


class BlobStore(Protocol):
    """Keeps bytes by content. Safe for use by several threads and processes."""

    def put(self, source: bytes | Path, *, text: bool) -> BlobInfo:
        """Keep the bytes, or the content of a file, durably; content that is there already is not written again.

        Texts are compressed. Raises BlobStorageError when the bytes cannot be kept; nothing half-written is ever
        readable.
        """

    def open(self, blob: StoredBlob, *, start: int = 0, length: int | None = None) -> BlobReader:
        """A reader of the plain bytes from `start`, at most `length` of them (None: to the end).

        Quick for blobs stored plain; a compressed one is read from its beginning. Raises BlobNotFoundError or
        BlobStorageError. Who reads the whole content gets its last piece only when its SHA-256 is the blob's, else
        BlobDamagedError.
        """

    def exists(self, blob: StoredBlob) -> bool:
        """Whether the store holds it. Raises BlobStorageError when it cannot say."""

    def delete(self, blob: StoredBlob) -> None:
        """Remove it; nothing happens when it is not there. Raises BlobStorageError."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file of the store: its name below the root, its length, and when it was last put."""

    name: str
    stored_bytes: int
    put_at: datetime


class SweepableBlobStore(BlobStore, Protocol):
    """A store that can be looked through for bytes nothing refers to.

    A put of content that is there already makes it young again, so that who goes by age takes nothing that was just
    wanted.
    """

    def files(self, shelf: str) -> Iterator[StoredFile]:
        """The files whose digests begin with these two digits, and for INCOMING what uploads left unfinished.

        Read page by page. Raises BlobStorageError.
        """

    def remove_unwanted(self, name: str, *, before: datetime) -> bool:
        """Remove a file that was last put before then; False when it was put since, or is gone."""


INCOMING = "incoming"
"""The shelf of uploads under way."""


def stored_name(digest: str, encoding: str) -> str:
    """The name of a blob's file below the store's root: two levels of folders, the digest, the encoding's suffix."""
    suffix = ".zst" if encoding == BlobEncoding.ZSTD else ""
    return f"{digest[:2]}/{digest[2:4]}/{digest}{suffix}"
