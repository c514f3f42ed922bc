"""Work that keeps a real page open, loaded by the measured systems through AUTOMATION_MODULES."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pydantic import BaseModel

from automations.library.practice_invoices import INVOICES, PASSWORD, SIGN_IN, TABLE, USERNAME
from webgraph.flow import Automation, stage
from webgraph.practice_site.accounts import DEMO_PASSWORD, DEMO_USERNAME

if TYPE_CHECKING:
    from webgraph.page import Page

HOLD_SECONDS = 900.0
HOLDING = "hold"


class SiteParams(BaseModel):
    """Where the practice site is."""

    base_url: str


class KeepInvoicesOpen(Automation):
    """Signs in, opens the invoices, reads them, and stays there until somebody ends the node."""

    key = "keep-invoices-open"
    title = "Keep invoices open"
    Params = SiteParams

    @stage(effect="read")
    async def open(self, page: Page) -> None:
        """Open the table."""
        await page.goto(f"{self.params.base_url}/sign-in")
        await page.fill(USERNAME, DEMO_USERNAME)
        await page.fill(PASSWORD, DEMO_PASSWORD)
        await page.click(SIGN_IN)
        await page.click(INVOICES)

    @stage(effect="read")
    async def hold(self, page: Page) -> None:
        """Stay."""
        await page.expect(TABLE)
        await asyncio.sleep(HOLD_SECONDS)
