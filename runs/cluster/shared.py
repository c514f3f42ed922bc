"""What forked processes share without a lock: nothing here can be left locked by a process that is killed.

Python's own Event and Value guard themselves with a semaphore; a process killed while it holds one stops all the
others for ever, without an alarm.
"""

from __future__ import annotations

import contextlib
import os
from multiprocessing.connection import wait
from multiprocessing.sharedctypes import RawValue
from typing import TYPE_CHECKING

from infra_shared.clock import monotonic

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

IDLE = -1.0
RECYCLED = -2.0


class Flag:
    """Raised once, for every process that was forked after it was made: a pipe that becomes readable and stays so.

    Has the part of `multiprocessing.Event` that django-q2 uses.
    """

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)

    def fileno(self) -> int:
        """The descriptor that becomes readable, for waiting on several things at once."""
        return self._reader

    def set(self) -> None:
        """Raise the flag."""
        with contextlib.suppress(BlockingIOError):  # full of earlier calls: raised long ago
            os.write(self._writer, b"!")

    def is_set(self) -> bool:
        """Whether the flag was raised."""
        return self.wait(0)

    def close(self) -> None:
        """Close this process's ends."""
        os.close(self._reader)
        os.close(self._writer)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the flag is raised; False when `timeout` seconds passed first."""
        return bool(wait([self._reader], timeout))


class BusyTimer:
    """What a worker process tells its sentinel: seconds left for its task, `IDLE`, `RECYCLED`, or 0 for overdue.

    Stands in for the locked counter that django-q2's sentinel counts down. Only the worker writes; the sentinel
    compares with the clock, which both share.
    """

    def __init__(self) -> None:
        self._cell = RawValue("d", IDLE)

    @property
    def value(self) -> float:
        """Seconds left (0: none), or the negative mark that was set."""
        stored = float(self._cell.value)
        return stored if stored <= 0 else max(0.0, stored - monotonic())

    @value.setter
    def value(self, seconds: float) -> None:
        self._cell.value = seconds if seconds <= 0 else monotonic() + seconds

    def get_lock(self) -> AbstractContextManager[None]:
        """A context that locks nothing: one 8-byte cell with one writer needs none."""
        return contextlib.nullcontext()
