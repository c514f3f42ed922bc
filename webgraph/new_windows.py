"""Windows that open though no step asked for one: recorded, and dealt with as the automation declares."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error as PlaywrightError

from webgraph.errors import LimitError, WebGraphError
from webgraph.network import without_sign_in
from webgraph.recovery import recovered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.async_api import BrowserContext, Page

    from webgraph.recovery import NewWindow
    from webgraph.surface import Windows

_ADDRESS_SECONDS = 5.0
_LONGEST_NOTE = 1_000
_NAME = "a window that nobody asked for"


class NewWindows:
    """Watches a context from when it is made; `note` is told what was done about each window."""

    def __init__(
        self,
        context: BrowserContext,
        windows: Windows,
        *,
        declared: NewWindow | None,
        note: Callable[[dict[str, Any]], None],
    ) -> None:
        self._windows = windows
        self._declared = declared
        self._note = note
        self._expecting = 0
        self._under_way: set[asyncio.Task[None]] = set()
        context.on("page", self._on_page)

    @contextmanager
    def expected(self) -> Iterator[None]:
        """A window that opens inside the block is asked for."""
        self._expecting += 1
        try:
            yield
        finally:
            self._expecting -= 1

    async def settled(self) -> None:
        """Wait until what opened so far is dealt with."""
        if self._under_way:
            await asyncio.wait(self._under_way)

    def _on_page(self, page: Page) -> None:
        if not self._expecting:
            task = asyncio.ensure_future(self._deal_with(page))
            self._under_way.add(task)  # the loop keeps only weak references to its tasks
            task.add_done_callback(self._under_way.discard)

    async def _deal_with(self, page: Page) -> None:
        try:
            opener = await page.opener()
            await self._windows.of(page)
            await page.wait_for_url("http**", timeout=_ADDRESS_SECONDS * 1000, wait_until="commit")
            address = page.url
            done = await self._done(page, opener, address)
        except LimitError:
            return  # it was one too many, which the attempt ends with
        except WebGraphError as refusal:
            self._note(recovered(_NAME, found=True, reason=f"closed: {refusal}"))
        except PlaywrightError:
            return  # it closed itself meanwhile, as one that only brings a download does
        else:
            self._note(
                recovered(_NAME, found=True, reason=f"{done}: {without_sign_in(address)}"[:_LONGEST_NOTE])
            )

    async def _done(self, page: Page, opener: Page | None, address: str) -> str:
        if self._declared is None:
            return "left open"
        await page.close()
        if not self._declared.follow or opener is None:
            return "closed"
        await opener.goto(address, wait_until="commit")
        return "gone there instead"
