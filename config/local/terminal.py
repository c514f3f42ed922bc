"""What a person at the terminal reads: progress, results and the one line that says what to do."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def say(line: str = "", *, end: str = "\n") -> None:
    """Write one line at once; a terminal that was closed is not an error of what runs in it."""
    with contextlib.suppress(OSError):
        sys.stdout.write(line + end)
        sys.stdout.flush()


class Phases:
    """Numbered phases: each prints "[2/5] browser … what came out, 1.2 s" as it goes."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._number = 0

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[list[str]]:
        """Yield a list; what the phase appends to it is printed as its outcome, with the time it took."""
        self._number += 1
        outcome: list[str] = []
        say(f"[{self._number}/{self._count}] {name} … ", end="")
        started = time.monotonic()
        try:
            yield outcome
        except BaseException:
            say("failed")
            raise
        say(f"{', '.join([*outcome, f'{time.monotonic() - started:.1f} s'])}")
