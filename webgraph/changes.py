"""Whether an act did anything: asked of the document, and of the picture where that is all there is."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from webgraph.conditions import Watch
from webgraph.errors import WrongPageError
from webgraph.recorder import Tier

if TYPE_CHECKING:
    from playwright.async_api import Response

    from webgraph.conditions import Condition
    from webgraph.escalation import Finder
    from webgraph.surface import Surface

# How long what was found by sight may take to show that it was acted on, where no condition says what to wait for.
_SEEN_SECONDS = 3.0
_TYPES = frozenset({"fill", "fill_code"})
_MOVES = frozenset({"click", "double_click", "press"})


@dataclass(frozen=True, slots=True)
class Changes:
    """What the page was like before one act."""

    surface: Surface
    document: Response | None
    mark: asyncio.Future[str | None] | None
    """What the document says of itself; asked for at once, and waited for when the act is due."""
    moves: bool
    """Whether the act does something or is in vain: setting what is set already is neither."""
    types: bool

    @classmethod
    def before(cls, surface: Surface, action: str, *, framed: bool) -> Changes:
        """The page as it is now; what happens in a frame leaves no mark in its document."""
        moves = action in _MOVES
        mark = asyncio.ensure_future(surface.digest()) if moves and not framed else None
        return cls(surface, surface.document, mark, moves, action in _TYPES)

    async def seen(self) -> None:
        """Wait until the page as it was is known: from then on it may be acted on."""
        if self.mark is not None:
            await self.mark

    async def judge(
        self, finder: Finder, condition: Condition | None, *, wanted: str, seconds_left: float
    ) -> None:
        """Keep with the finder whether the act changed anything; None where that cannot be told.

        Raises WrongPageError where an act that changed nothing is no success: one with a condition that was true
        before, and one on something that was found by sight.
        """
        finder.changed = await self._marked()
        if not finder.changed:
            seen = await self._seen(finder, condition, seconds_left)
            finder.changed = finder.changed if seen is None else seen
        if finder.changed is False and not isinstance(condition, Watch):
            _refuse(finder, condition, wanted)

    async def _marked(self) -> bool | None:
        """What the document says."""
        before = await self.mark if self.mark is not None else None
        if before is None:
            return None
        return self.surface.document is not self.document or await self.surface.digest() != before

    async def _seen(self, finder: Finder, condition: Condition | None, seconds_left: float) -> bool | None:
        """What the picture says, for what was found there: it may be no part of the document."""
        if finder.actor is None or not (self.moves or (self.types and condition is None)):
            return None
        if self.surface.document is not self.document:
            return True if finder.tier is Tier.VISION else None
        patience = min(seconds_left, _SEEN_SECONDS) if condition is None else 0.0
        return await finder.actor.changed(timeout_seconds=patience)


def _refuse(finder: Finder, condition: Condition | None, wanted: str) -> None:
    if condition is not None:
        msg = f"The act did nothing that can be observed; that {condition} was so before it."
        raise WrongPageError(msg)
    if finder.tier is Tier.VISION:
        msg = f"{wanted} was found by sight, and acting on it changed nothing that can be seen: it may be no control."
        raise WrongPageError(msg)
