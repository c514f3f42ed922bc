"""An automation in code that clicks one button, written in a module of its own so that its source is short."""

from __future__ import annotations

from typing import TYPE_CHECKING

from webgraph.flow import Automation, stage
from webgraph.target import Target

if TYPE_CHECKING:
    from webgraph.page import Page

SEND = Target(css="#send", role="button", name="Send", called="Send")


class Ordering(Automation):
    """Sends an order."""

    key = "ordering"
    title = "Send an order"

    @stage(effect="idempotent")
    async def order(self, page: Page) -> None:
        """Click the button."""
        await page.click(SEND)
