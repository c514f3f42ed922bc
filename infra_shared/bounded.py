"""Calling what may never return."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class TookTooLongError(Exception):
    """The work did not end in time. `thread` is still at it, and cannot be stopped from outside."""

    def __init__(self, seconds: float, thread: threading.Thread) -> None:
        super().__init__(f"It did not end within {seconds:g} seconds.")
        self.thread = thread


def call_within(seconds: float, work: Callable[[], T]) -> T:
    """What `work` returns or raises, or TookTooLongError after so many seconds.

    The work has a thread of its own, which does not keep the process from ending. It must not touch the database: its
    connection would be the thread's, and stay with it.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def body() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again by the caller's thread, below
            errors.append(error)

    thread = threading.Thread(target=body, name="bounded-call", daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TookTooLongError(seconds, thread)
    return results[0]
