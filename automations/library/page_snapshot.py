"""The smallest useful automation: open one page and keep what it looked like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field, HttpUrl, field_validator

from webgraph.flow import Automation, stage

if TYPE_CHECKING:
    from webgraph.page import Page


class SnapshotParams(BaseModel):
    """What to open."""

    url: HttpUrl = Field(
        title="Address",
        description="The page to open; http or https.",
        examples=["https://example.com/"],
    )

    @field_validator("url")
    @classmethod
    def _without_sign_in(cls, url: HttpUrl) -> HttpUrl:
        # It would be stored with the run, in its steps and in the log of its requests.
        if url.username or url.password:
            raise ValueError("It must not hold a user name or a password.")
        return url


class Snapshot(BaseModel):
    """What was there."""

    title: str = Field(title="Title", description="The page's title; empty where it has none.")
    final_url: str = Field(title="Final address", description="Where redirects led.")
    status: int = Field(title="Status", description="The HTTP status of the answer.", ge=100, le=599)


class PageSnapshot(Automation):
    """Opens any page and keeps its picture, its HTML and the log of its requests.

    Any answer counts as success, a 404 too: the status is part of the result. Only no answer at all is a failure.
    """

    key = "page-snapshot"
    title = "Page snapshot"
    Params = SnapshotParams
    Result = Snapshot

    @stage(effect="read", title="Open the page")
    async def open_page(self, page: Page) -> dict[str, Any]:
        """Open the page, whatever its status."""
        answer = await page.goto(str(self.params.url), any_status=True)
        return {"title": answer.title, "final_url": answer.final_url, "status": answer.status}
