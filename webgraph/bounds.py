"""Watches that the pages of one attempt stay within its limits, and stops them when they do not."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Protocol

from infra_shared.clock import monotonic
from webgraph.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from webgraph.errors import LimitError, WebGraphError

_REDIRECT_SECONDS = 30.0


class Bounded(Protocol):
    """A window that can be stopped."""

    def end(self, error: WebGraphError) -> None:
        """End the step at work in it with this error, now and later."""

    async def hush(self) -> None:
        """Run none of its scripts any more."""


class Bounds:
    """One for each attempt, on the browser's loop.

    The first limit that is passed ends the step at work, and every later one, and stops the scripts of every window: what
    is there then can be looked at, however busy it was. `told` is given a line for the record.
    """

    def __init__(
        self, limits: Limits | None = None, told: Callable[[str], None] = lambda _line: None
    ) -> None:
        self.limits = limits or Limits()
        self.over: LimitError | None = None
        self.why_crashed: Callable[[], str] = lambda: ""
        """Says why a page's process ended, where it was ended on purpose."""
        self._told = told
        self._watched: set[Bounded] = set()
        self._hushing: set[asyncio.Task[None]] = set()
        self._windows = 0
        self._dialogs = 0
        self._documents: deque[float] = deque()

    def watch(self, window: Bounded) -> None:
        """Stop this window too when a limit is passed."""
        self._watched.add(window)
        if self.over is not None:
            self._stop(window, self.over)

    def forget(self, window: Bounded) -> None:
        """It is closed."""
        self._watched.discard(window)

    def tell(self, line: str) -> None:
        """Put into the record what was left out or broken off."""
        self._told(line)

    def exceeded(self, error: LimitError) -> None:
        """A limit was passed; what comes after the first one says nothing new."""
        if self.over is not None:
            return
        self.over = error
        self._told(str(error))
        for window in list(self._watched):
            self._stop(window, error)

    def window_opened(self) -> bool:
        """Count a window; False when it is one too many, and to be closed."""
        self._windows += 1
        if self._windows > self.limits.windows:
            self.exceeded(self.limits.too_many_windows())
            return False
        return True

    def dialog_opened(self) -> None:
        """Count a dialog."""
        self._dialogs += 1
        if self._dialogs > self.limits.dialogs:
            self.exceeded(self.limits.too_many_dialogs())

    def document_opened(self) -> None:
        """Count a document, redirects included, that a window shows or is led through."""
        now = monotonic()
        self._documents.append(now)
        while now - self._documents[0] > _REDIRECT_SECONDS:
            self._documents.popleft()
        if len(self._documents) > self.limits.redirects:
            self.exceeded(self.limits.too_many_redirects())

    def step_begins(self) -> None:
        """What is opened from here on is opened by another step."""
        self._documents.clear()

    def _stop(self, window: Bounded, error: LimitError) -> None:
        window.end(error)
        task = asyncio.ensure_future(window.hush())
        self._hushing.add(task)  # the loop keeps only weak references to its tasks
        task.add_done_callback(self._hushing.discard)
