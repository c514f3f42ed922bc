"""Signed-in sessions in a folder, encrypted. Knows no Django: a browser driven without the server keeps them here."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from cryptography.fernet import Fernet, InvalidToken

from infra_shared.clock import utc_now
from infra_shared.sessions.protocol import SessionCache, SessionCacheError
from infra_shared.sessions.rules import CachedSession, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import timedelta
    from pathlib import Path

    from infra_shared.sessions.rules import SessionKey

T = TypeVar("T")
KEY_FILE = "key"
_TIMES = ("stored_at", "lease_expires_at", "failed_at", "locked_until")


class FileSessionCache(SessionCache):
    """One encrypted file for each session, changed under a lock beside it, for this machine's processes.

    `key` is a Fernet key; without one, the key file of the folder is used, which is made for its owner alone.
    """

    def __init__(self, folder: Path, *, key: str = "", now: Callable[[], datetime] = utc_now) -> None:
        self._folder = folder
        self._now = now
        with _as_cache_errors(f"The sessions in {folder} cannot be kept"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._fernet = _fernet(key or _key_in(folder / KEY_FILE))

    def read(self, key: SessionKey, *, max_age: timedelta) -> CachedSession | None:
        """The kept state, unless it is older; None when there is none. SessionCacheError when it cannot be read."""
        record, state = self._load(key)
        if state is None or record.stored_at is None or not record.is_usable(self._now(), max_age):
            return None
        return CachedSession(state, record.generation, record.stored_at)

    def look(self, key: SessionKey) -> Record:
        """What is known of a session beside its state; nothing is known of a new one."""
        return self._load(key)[0]

    def _change(
        self,
        key: SessionKey,
        decide: Callable[[Record, datetime], tuple[Record, T]],
        *,
        state: dict[str, Any] | None = None,
    ) -> T:
        with self._locked(key):
            before, kept = self._load(key)
            after, answer = decide(before, self._now())
            if after != before:
                new = state if after.generation != before.generation else kept
                self._write(key, after, new if after.stored_at is not None else None)
        return answer

    def _path(self, key: SessionKey) -> Path:
        """Named by a digest: an account's name is nobody's business who can list the folder."""
        return self._folder / f"{hashlib.sha256(key.name.encode()).hexdigest()}.session"

    @contextmanager
    def _locked(self, key: SessionKey) -> Iterator[None]:
        lock = self._path(key).with_suffix(".lock")
        with _as_cache_errors(f"The session of {key.name} cannot be kept"), _private(lock, os.O_RDWR) as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # ends with the file, however this process ends
            yield

    def _load(self, key: SessionKey) -> tuple[Record, dict[str, Any] | None]:
        path = self._path(key)
        with _as_cache_errors(f"The session of {key.name} cannot be read"):
            try:
                token = path.read_bytes()
            except FileNotFoundError:
                return Record(), None
        try:
            facts = json.loads(self._fernet.decrypt(token))
        except InvalidToken:
            msg = f"The session in {path} was kept with another key; give that key, or remove the file."
            raise SessionCacheError(msg) from None
        times = {
            name: facts["record"][name] and datetime.fromisoformat(facts["record"][name]) for name in _TIMES
        }
        return Record(**{**facts["record"], **times}), facts["state"]

    def _write(self, key: SessionKey, record: Record, state: dict[str, Any] | None) -> None:
        """Replace the file as a whole: whoever reads without the lock sees the old or the new one."""
        facts = {"record": asdict(record), "state": state}
        path = self._path(key)
        new = path.with_suffix(".new")
        new.unlink(missing_ok=True)
        with _private(new, os.O_WRONLY | os.O_EXCL) as file:
            file.write(self._fernet.encrypt(json.dumps(facts, default=_as_text).encode()))
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)


def _as_text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    msg = f"{type(value).__name__} has no place in a session's state"
    raise TypeError(msg)


def _fernet(key: str) -> Fernet:
    try:
        return Fernet(key)
    except ValueError as error:
        msg = f"The key of the sessions is no Fernet key (32 bytes in URL-safe base64): {error}."
        raise SessionCacheError(msg) from error


def _key_in(path: Path) -> str:
    """The key of a folder, made by whoever comes first: it is written whole before it has its name."""
    if not path.exists():
        with tempfile.NamedTemporaryFile(dir=path.parent) as file:  # for its owner alone
            file.write(Fernet.generate_key())
            file.flush()
            with suppress(FileExistsError):
                path.hardlink_to(file.name)
    return path.read_text(encoding="ascii").strip()


@contextmanager
def _private(path: Path, flags: int) -> Iterator[Any]:
    descriptor = os.open(path, flags | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b" if flags & os.O_RDWR else "wb") as file:
        yield file


@contextmanager
def _as_cache_errors(words: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        msg = f"{words}: {error.strerror or error}."
        raise SessionCacheError(msg) from error
