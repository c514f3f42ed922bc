"""What a host has while an attempt uses a browser, whoever else uses it."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from playwright.async_api import Browser


class Fault(Enum):
    """What was seen of a browser that is given back."""

    NONE = auto()
    CONNECTION = auto()
    """A context could not be made or closed: this host's connection is not used again."""
    BROWSER = auto()
    """It does not answer: nobody should be given it any more."""


class Loan(Protocol):
    """A connected browser that an attempt may make a context in."""

    @property
    def browser(self) -> Browser:
        """The browser."""

    @property
    def page_ended_at(self) -> float | None:
        """When, by `monotonic`, a page in it last had its process ended for its memory; whose page, nobody knows."""

    async def give_back(self, fault: Fault) -> None:
        """Let go of it, its context closed if it could be."""

    async def went_away_with_others(self) -> bool:
        """Whether it was lost to everybody who shared it; False for a browser nobody shares."""


class BrowserSource(Protocol):
    """Where a host gets browsers from. Used on the host's loop, `drop` apart."""

    async def take(self) -> Loan:
        """A browser that is connected; raises PlaywrightError or BrowserCrashError when none can be had."""

    async def shut_down(self) -> None:
        """End or let go of everything, in bounded time."""

    def drop(self) -> None:
        """Let go at once of what is not a process of this host, from any thread; the loop may be stuck."""
