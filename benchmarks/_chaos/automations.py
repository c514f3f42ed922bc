"""The automation most schedules of the storm start, loaded by its nodes through AUTOMATION_MODULES."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

from webgraph.flow import Automation, stage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from webgraph.page import Page


class OnePageParams(BaseModel):
    """Where the practice site is, and which lane the run keeps to."""

    base_url: str
    lane: int


class OnePage(Automation):
    """Opens one page of the practice site; runs of one lane share two slots."""

    key = "chaos-one-page"
    title = "One page"
    Params = OnePageParams
    max_concurrent = 5

    @classmethod
    def slot_keys(cls, params: OnePageParams) -> Mapping[str, int]:
        """Two at once in each lane."""
        return {f"lane-{params.lane}": 2}

    @stage(effect="read")
    async def look(self, page: Page) -> None:
        """Open it."""
        await page.goto(f"{self.params.base_url}/sign-in")
