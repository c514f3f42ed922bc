"""Identifiers: time-ordered UUIDs for rows, short random tokens for what people and programs handle."""

from __future__ import annotations

import os
import secrets
import string
import threading
import time
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_COUNTER_BITS = 42
_TAIL_BITS = 32


class _Uuid7Source:
    """Hands out UUIDs of version 7 that grow within this process, also inside one millisecond.

    RFC 9562, section 6.2, method 1: the 12 bits of rand_a and the first 30 of rand_b are one counter of 42 bits,
    seeded at random each millisecond with its top bit clear, so that it has room to grow; 32 random bits remain.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last_ms = 0
        self._counter = 0

    def next(self) -> uuid.UUID:
        with self._lock:
            # A clock that was set back keeps the last millisecond: order within the process matters more.
            now_ms = max(time.time_ns() // 1_000_000, self._last_ms)
            if now_ms > self._last_ms:
                self._counter = secrets.randbits(_COUNTER_BITS - 1)
            else:
                self._counter += 1
                if self._counter >> _COUNTER_BITS:
                    now_ms += 1
                    self._counter = secrets.randbits(_COUNTER_BITS - 1)
            self._last_ms = now_ms
            counter = self._counter
        return _assemble(now_ms, counter, secrets.randbits(_TAIL_BITS))


def _assemble(milliseconds: int, counter: int, tail: int) -> uuid.UUID:
    counter_high, counter_low = counter >> 30, counter & (1 << 30) - 1
    value = (milliseconds & (1 << 48) - 1) << 80
    value |= 0x7 << 76 | counter_high << 64  # version, rand_a
    value |= 0b10 << 62 | counter_low << _TAIL_BITS | tail  # variant, rand_b
    return uuid.UUID(int=value)


_source = _Uuid7Source()


def _reset_after_fork() -> None:
    # A forked child must neither continue its parent's counter nor inherit a lock another thread held.
    global _source  # noqa: PLW0603 - one source for each process is the point
    _source = _Uuid7Source()


os.register_at_fork(after_in_child=_reset_after_fork)


def uuid7() -> uuid.UUID:
    """A new UUID of version 7 (RFC 9562): ordered by time, strictly growing within a process."""
    return _source.next()


def uuid7_at(moment: datetime) -> uuid.UUID:
    """A UUID of version 7 as if made at `moment`: for rows about the past, whose ids order them by time as well."""
    milliseconds = int(moment.timestamp() * 1000)
    return _assemble(milliseconds, secrets.randbits(_COUNTER_BITS), secrets.randbits(_TAIL_BITS))


def uuid7_floor(moment: datetime) -> uuid.UUID:
    """The smallest UUID of version 7 of that millisecond: what came later has a greater id."""
    return _assemble(int(moment.timestamp() * 1000), 0, 0)


def random_token(length: int) -> str:
    """Random letters and digits (base 62, 5.95 bits each); a double click selects it whole."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def base62(number: int, *, width: int) -> str:
    """A non-negative number written in the alphabet of `random_token`, padded with zeros to `width`."""
    digits = ""
    while number:
        number, rest = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[rest] + digits
    return digits.rjust(width, _ALPHABET[0])
