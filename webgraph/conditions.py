"""What must be true after a step: `then=appears(...)` and its kin.

A click that did nothing is never a success when a condition is given: the step fails as `wrong_page`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from infra_shared.clock import monotonic
from webgraph.errors import TargetAmbiguousError, TargetNotFoundError, WrongPageError
from webgraph.workers.base import Need

if TYPE_CHECKING:
    import re
    from collections.abc import Awaitable, Callable

    from playwright.async_api import Download, Request

    from webgraph.escalation import Finder
    from webgraph.surface import Surface
    from webgraph.target import Target

# Looked at again soon at first, as most pages answer at once; a page that takes long is not kept busy with it.
_LOOK_AGAIN_SECONDS = (0.02, 0.04, 0.08)
_LOOK_AGAIN_LATER_SECONDS = 0.15


class Condition(Protocol):
    """Something that is true of the page, now or soon."""

    async def wait(self, surface: Surface, finder: Finder, timeout_seconds: float) -> None:
        """Return as soon as it is true; raise WrongPageError when it is not true in time."""

    def __str__(self) -> str:
        """What is expected, to follow "expected that"."""


@dataclass(frozen=True, slots=True)
class url_is:  # noqa: N801 - read as a word at the call: then=url_is("/home")
    """The address matches: a text that must occur in it, or a compiled regular expression."""

    pattern: str | re.Pattern[str]

    async def wait(
        self,
        surface: Surface,
        finder: Finder,  # noqa: ARG002 - the protocol's; an address needs no target
        timeout_seconds: float,
    ) -> None:
        """Wait for the address."""

        # Not a bound method: Playwright leaves a mark on its object, and this one is frozen.
        def matches(url: str) -> bool:
            return self._matches(url)

        try:
            await surface.page.wait_for_url(matches, timeout=timeout_seconds * 1000, wait_until="commit")
        except PlaywrightTimeoutError as error:
            msg = f"Expected that {self}, but the browser is at {surface.url}."
            raise WrongPageError(msg) from error

    def _matches(self, url: str) -> bool:
        if isinstance(self.pattern, str):
            return self.pattern in url
        return self.pattern.search(url) is not None

    def __str__(self) -> str:
        pattern = self.pattern if isinstance(self.pattern, str) else self.pattern.pattern
        return f"the address matches {pattern}"


@dataclass(frozen=True, slots=True)
class appears:  # noqa: N801 - read as a word at the call: then=appears(HEADLINE)
    """The target is visible."""

    target: Target

    async def wait(self, surface: Surface, finder: Finder, timeout_seconds: float) -> None:
        """Wait for the target on any tier."""
        try:
            await finder.find(self.target, surface, Need.SEE, timeout_seconds)
        except TargetAmbiguousError:
            return  # several of it are visible: it did appear
        except TargetNotFoundError as error:
            msg = f"Expected that {self}, but it did not."
            raise WrongPageError(msg) from error

    def __str__(self) -> str:
        return f"{self.target} appears"


@dataclass(frozen=True, slots=True)
class disappears:  # noqa: N801 - read as a word at the call: then=disappears(SPINNER)
    """Nothing that fits the target is visible."""

    target: Target

    async def wait(self, surface: Surface, finder: Finder, timeout_seconds: float) -> None:
        """Wait until no match is visible in a whole document."""

        async def gone() -> bool:
            await surface.parsed(max(timeout_seconds, 0.05))
            return not await finder.matches(self.target, surface)

        await _until(gone, self, timeout_seconds)

    def __str__(self) -> str:
        return f"{self.target} disappears"


@dataclass(frozen=True, slots=True)
class reads:  # noqa: N801 - read as a word at the call: then=reads(TOTAL, "12.00")
    """The target's text or value contains (or, as a regular expression, matches) something."""

    target: Target
    pattern: str | re.Pattern[str]

    async def wait(self, surface: Surface, finder: Finder, timeout_seconds: float) -> None:
        """Wait until the text fits."""
        deadline = monotonic() + timeout_seconds

        async def fits() -> bool:
            left = max(0.0, deadline - monotonic())
            actor = await finder.find(self.target, surface, Need.SEE, left)
            text = await actor.text(timeout_seconds=max(left, 0.1))
            if isinstance(self.pattern, str):
                return self.pattern in text
            return self.pattern.search(text) is not None

        try:
            await _until(fits, self, timeout_seconds)
        except (TargetNotFoundError, TargetAmbiguousError) as error:
            msg = f"Expected that {self}, but {error}"
            raise WrongPageError(msg) from error

    def __str__(self) -> str:
        pattern = self.pattern if isinstance(self.pattern, str) else self.pattern.pattern
        return f"{self.target} reads {pattern!r}"


@dataclass(frozen=True, slots=True)
class requested:  # noqa: N801 - read as a word at the call: then=requested("/api/orders", method="POST")
    """The page made a request, after the act began, whose address contains (or matches) something."""

    pattern: str | re.Pattern[str]
    method: str | None = None

    def armed(self, surface: Surface) -> Watch:
        """The condition, watching from now on."""

        def fits(request: Request) -> bool:
            return _occurs(self.pattern, request.url) and self.method in {None, request.method}

        return Watch(self, surface, "request", fits)

    async def wait(self, surface: Surface, finder: Finder, timeout_seconds: float) -> None:
        """Wait for such a request from now on."""
        await self.armed(surface).wait(surface, finder, timeout_seconds)

    def __str__(self) -> str:
        pattern = self.pattern if isinstance(self.pattern, str) else self.pattern.pattern
        return f"a {self.method or ''} request to {pattern} is made".replace("  ", " ")


@dataclass(frozen=True, slots=True)
class downloads:  # noqa: N801 - read as a word at the call: then=downloads(".csv")
    """A download begins, after the act began, whose file name contains (or matches) something."""

    pattern: str | re.Pattern[str] = ""

    def armed(self, surface: Surface) -> Watch:
        """The condition, watching from now on."""

        def fits(download: Download) -> bool:
            return _occurs(self.pattern, download.suggested_filename)

        return Watch(self, surface, "download", fits)

    async def wait(self, surface: Surface, finder: Finder, timeout_seconds: float) -> None:
        """Wait for such a download from now on."""
        await self.armed(surface).wait(surface, finder, timeout_seconds)

    def __str__(self) -> str:
        pattern = self.pattern if isinstance(self.pattern, str) else self.pattern.pattern
        return f"a download of {pattern or 'a file'} begins"


class Watch:
    """A condition about something that happens: it listens from before the act until it was waited for."""

    def __init__(
        self, condition: Condition, surface: Surface, event: Any, fits: Callable[[Any], bool]
    ) -> None:
        self._condition = condition
        self._page = surface.page
        self._event = event
        self._fits = fits
        self._happened = asyncio.Event()
        self._page.on(event, self._on_event)

    async def wait(
        self,
        surface: Surface,  # noqa: ARG002 - the protocol's; it listens to its own
        finder: Finder,  # noqa: ARG002 - the protocol's; an event needs no target
        timeout_seconds: float,
    ) -> None:
        """Wait until it happened."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._happened.wait()
        except TimeoutError as error:
            msg = f"Expected that {self._condition}, but it did not happen in time."
            raise WrongPageError(msg) from error
        finally:
            self.disarm()

    def disarm(self) -> None:
        """Stop listening. May be called more than once."""
        if self._event is not None:
            self._page.remove_listener(self._event, self._on_event)
            self._event = None

    def __str__(self) -> str:
        return str(self._condition)

    def _on_event(self, item: Any) -> None:
        if self._fits(item):
            self._happened.set()


def _occurs(pattern: str | re.Pattern[str], text: str) -> bool:
    return pattern in text if isinstance(pattern, str) else pattern.search(text) is not None


async def _until(
    holds: Callable[[], Awaitable[bool]],
    condition: Condition,
    timeout_seconds: float,
) -> None:
    deadline = monotonic() + timeout_seconds
    pauses = iter(_LOOK_AGAIN_SECONDS)
    while not await holds():
        if monotonic() >= deadline:
            msg = f"Expected that {condition}, but it did not happen in time."
            raise WrongPageError(msg)
        await asyncio.sleep(next(pauses, _LOOK_AGAIN_LATER_SECONDS))
