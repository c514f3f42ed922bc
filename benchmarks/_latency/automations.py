"""The automations that are timed, loaded by the node through AUTOMATION_MODULES."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

from benchmarks._latency.marks import mark
from webgraph.flow import Automation, stage

if TYPE_CHECKING:
    from webgraph.page import Page


class MarkParams(BaseModel):
    """Where to write, and the moment it was planned for."""

    log: str
    planned: str


class MarkTheTime(Automation):
    """Makes no step: writes down when it began."""

    key = "latency-mark"
    title = "Mark the time"
    Params = MarkParams

    @stage(effect="read")
    async def note(self, page: Page) -> None:
        """Write it down."""
        del page
        mark(self.params.log, self.params.planned)


class SiteParams(BaseModel):
    """Where the practice site is."""

    base_url: str


class FirstStep(Automation):
    """Makes one step."""

    key = "latency-first-step"
    title = "One step"
    Params = SiteParams

    @stage(effect="read")
    async def look(self, page: Page) -> None:
        """Open a page."""
        await page.goto(f"{self.params.base_url}/sign-in")
