"""Counts what comes in through the doors of one attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from webgraph.errors import WebGraphError


class Meter:
    """Lets so many bytes in, and then no more. Used on the gateway's thread.

    `refusal` makes what is raised from then on; `on_over` is called once, when the limit is passed.
    """

    def __init__(
        self, most_bytes: int, refusal: Callable[[], WebGraphError], on_over: Callable[[], None]
    ) -> None:
        self._most_bytes = most_bytes
        self._refusal = refusal
        self._on_over = on_over
        self.spent_bytes = 0

    @property
    def is_over(self) -> bool:
        """Whether too much came in."""
        return self.spent_bytes > self._most_bytes

    def check(self) -> None:
        """Raise when nothing more may come in."""
        if self.is_over:
            raise self._refusal()

    def take(self, count: int) -> None:
        """Count bytes that came in; raise when they are too many."""
        was_over = self.is_over
        self.spent_bytes += count
        if self.is_over and not was_over:
            self._on_over()
        self.check()
