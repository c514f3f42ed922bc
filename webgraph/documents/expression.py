"""The condition that a JavaScript expression is true, as Chrome's recordings state it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from webgraph.errors import WrongPageError

if TYPE_CHECKING:
    from webgraph.escalation import Finder
    from webgraph.surface import Surface

_LOOK_AGAIN_MILLISECONDS = 100.0
_LONGEST_SHOWN = 80


@dataclass(frozen=True, slots=True)
class is_true:  # noqa: N801 - read as a word, like the conditions of webgraph.conditions
    """The expression, or what its promise brings, is true in the page."""

    expression: str

    async def wait(
        self,
        surface: Surface,
        finder: Finder,  # noqa: ARG002 - the protocol's; an expression needs no target
        timeout_seconds: float,
    ) -> None:
        """Evaluate it again and again until it is."""
        try:
            async with asyncio.timeout(max(timeout_seconds, 0.1)):
                while not await surface.page.evaluate(f"async () => Boolean(await ({self.expression}))"):
                    await surface.page.wait_for_timeout(_LOOK_AGAIN_MILLISECONDS)
        except TimeoutError as error:
            msg = f"Expected that {self}, but it did not happen in time."
            raise WrongPageError(msg) from error

    def __str__(self) -> str:
        words = " ".join(self.expression.split())
        return f"{words[:_LONGEST_SHOWN]} is true"
