"""A folder in which bytes wait while the store they belong to is away. Knows no Django."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from infra_shared.blobs.protocol import BlobError
from infra_shared.sizes import in_words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SUFFIX, _UNFINISHED = ".waiting", ".part"
_NO_FIRST_LINE = "The file in the spool is damaged: its first line cannot be read."
_FORGOTTEN_SECONDS = 3600.0
"""What was being written so long ago is the rest of a process that died: nobody takes an hour."""


class SpoolError(BlobError):
    """The spool cannot keep, or cannot give back.

    Attributes:
        reason: one sentence fit to be shown as the reason why an artifact is missing.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SpoolDamagedError(SpoolError):
    """What waits is not what was kept: reading it again will not help."""


@dataclass(frozen=True, slots=True)
class Spooled:
    """What waits: its key, whether it is a text, what its keeper needs to know of it, and the bytes."""

    key: UUID
    text: bool
    facts: dict[str, Any]
    digest: str
    body: bytes


@dataclass(frozen=True, slots=True)
class SpoolState:
    """How many files wait, their bytes, and since when the oldest does; None when nothing waits."""

    files: int
    waiting_bytes: int
    oldest_at: datetime | None


class SpoolFolder:
    """One file for each thing that waits: a line of facts, then the bytes. For any number of threads and processes.

    A file is written beside its place, forced to disk and renamed, so that what is listed is whole. Only its owner can
    read it. Facts and bytes are one file, so that a crash cannot part them.
    """

    def __init__(self, root: Path, *, most_bytes: int) -> None:
        """Nothing is made on disk before something is kept. `most_bytes` bounds the sum of the files."""
        self._root = root
        self._most_bytes = most_bytes

    @property
    def exists(self) -> bool:
        """Whether anything was ever kept here."""
        return (self._root / "id").is_file()

    @property
    def id(self) -> UUID:
        """Which spool this is: the same as long as the folder lasts. Made now if need be; raises SpoolError."""
        path = self._root / "id"
        with _spool_errors("used"):
            with contextlib.suppress(FileNotFoundError):
                return UUID(path.read_text().strip())
            self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._locked("room", wait=True):
                if not path.exists():
                    _write_whole(path, str(uuid4()).encode())
            return UUID(path.read_text().strip())

    def keep(self, key: UUID, body: bytes, *, text: bool, facts: dict[str, Any]) -> None:
        """Keep the bytes until `drop`, durable when this returns; keeping a key again replaces it.

        Raises SpoolError beyond the bound and when the disk does not take them.
        """
        if self._most_bytes == 0:
            raise SpoolError("Nothing may wait on this node for the store of files.")
        _ = self.id  # the folder and its name are there before anything is in it
        content = _content(body, text=text, facts=facts)
        with _spool_errors("kept"), self._locked("room", wait=True):
            used = sum(path.stat().st_size for path in self._listed())
            if used + len(content) > self._most_bytes:
                raise SpoolError(
                    f"The store of files does not answer, and the spool of this node is full: "
                    f"{in_words(used)} of {in_words(self._most_bytes)} wait."
                )
            _write_whole(self._path(key), content)

    def waiting(self) -> list[UUID]:
        """What waits, the oldest first where keys are in the order of time."""
        with _spool_errors("listed"):
            return sorted(UUID(path.stem) for path in self._listed())

    def read(self, key: UUID) -> Spooled | None:
        """What waits under a key; None when it is gone.

        Raises SpoolDamagedError when it is not what was kept, and SpoolError when it cannot be read now.
        """
        with _spool_errors("read"):
            try:
                content = self._path(key).read_bytes()
            except FileNotFoundError:
                return None
        line, _, body = content.partition(b"\n")
        try:
            head = json.loads(line)
            found = Spooled(key, head["text"], head["facts"], head["digest"], body)
        except (ValueError, KeyError, TypeError) as error:
            raise SpoolDamagedError(_NO_FIRST_LINE) from error
        if hashlib.sha256(body).hexdigest() != found.digest:
            raise SpoolDamagedError(
                "The file in the spool is damaged: its bytes are not those that were kept."
            )
        return found

    def peek(self, key: UUID, size: int) -> tuple[dict[str, Any], bytes] | None:
        """The facts of what waits under a key and the first bytes of it, unchecked; None when it is gone.

        Raises SpoolError, as `read` does.
        """
        with _spool_errors("read"):
            try:
                with self._path(key).open("rb") as file:
                    line, start = file.readline(), file.read(size)
            except FileNotFoundError:
                return None
        try:
            return json.loads(line)["facts"], start
        except (ValueError, KeyError, TypeError) as error:
            raise SpoolDamagedError(_NO_FIRST_LINE) from error

    def replace(self, spooled: Spooled, body: bytes) -> None:
        """Put other bytes in the place of those that wait, whatever the bound; they wait since when they did.

        For who delivers, as nobody else takes them away meanwhile. Raises SpoolError.
        """
        path = self._path(spooled.key)
        with _spool_errors("kept"):
            since = path.stat()
            _write_whole(path, _content(body, text=spooled.text, facts=spooled.facts))
            os.utime(path, ns=(since.st_atime_ns, since.st_mtime_ns))

    def drop(self, key: UUID) -> None:
        """Forget what waits under a key; nothing happens when it is gone."""
        with _spool_errors("removed"):
            self._path(key).unlink(missing_ok=True)

    def state(self) -> SpoolState:
        """What waits by now."""
        files, waiting_bytes, oldest = 0, 0, None
        for path in self._listed():
            with contextlib.suppress(FileNotFoundError):
                facts = path.stat()
                files, waiting_bytes = files + 1, waiting_bytes + facts.st_size
                oldest = min(oldest or facts.st_mtime, facts.st_mtime)
        return SpoolState(files, waiting_bytes, datetime.fromtimestamp(oldest, UTC) if oldest else None)

    @contextlib.contextmanager
    def owned(self) -> Iterator[bool]:
        """Whether the caller is the one who may deliver, as long as this lasts; others get False at once."""
        with _spool_errors("used"):
            self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
            taken = self._locked("owner", wait=False)
            is_owner = taken.__enter__()
        try:
            if is_owner:
                self._forget_unfinished()
            yield is_owner
        finally:
            taken.__exit__(None, None, None)

    def _path(self, key: UUID) -> Path:
        return self._root / f"{key}{_SUFFIX}"

    def _listed(self) -> list[Path]:
        return list(self._root.glob(f"*{_SUFFIX}"))

    def _forget_unfinished(self) -> None:
        for path in self._root.glob(f"*{_UNFINISHED}"):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < time.time() - _FORGOTTEN_SECONDS:
                    path.unlink()

    @contextlib.contextmanager
    def _locked(self, name: str, *, wait: bool) -> Iterator[bool]:
        """Hold a lock that ends with the process, however it ends; False when it is another's and nobody waits."""
        descriptor = os.open(self._root / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(descriptor)


def _content(body: bytes, *, text: bool, facts: dict[str, Any]) -> bytes:
    """What a file of the spool holds: a line of facts, then the bytes."""
    head = {"text": text, "digest": hashlib.sha256(body).hexdigest(), "facts": facts}
    return json.dumps(head).encode() + b"\n" + body


def _write_whole(path: Path, content: bytes) -> None:
    """Make a file of these bytes appear at once, forced to disk, for its owner alone."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}{_UNFINISHED}")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the new name is durable only once its folder is
    finally:
        os.close(folder)


@contextlib.contextmanager
def _spool_errors(done: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SpoolError(f"The bytes could not be {done} in the spool of this node: {why}.") from error
