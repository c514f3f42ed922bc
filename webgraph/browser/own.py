"""Browsers that belong to one host alone: launched when they are needed, and replaced when they served long enough."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra_shared.clock import monotonic
from webgraph.browser import memory_watch
from webgraph.browser.loan import Fault

if TYPE_CHECKING:
    import psutil
    from playwright.async_api import Browser

    from webgraph.browser.driver import Driver, WarmBrowser
    from webgraph.browser.recycling import RecyclePolicy


@dataclass(frozen=True, slots=True)
class OwnLoan:
    """A browser of the host's own."""

    warm: WarmBrowser
    source: OwnBrowsers

    @property
    def browser(self) -> Browser:
        """The browser."""
        return self.warm.browser

    @property
    def page_ended_at(self) -> float | None:
        """When a page of it was last ended for its memory."""
        return self.warm.page_ended_at

    async def give_back(self, fault: Fault) -> None:
        """Let go of it; one with any fault is not used again."""
        await self.source.take_back(self.warm, broken=fault is not Fault.NONE)

    async def went_away_with_others(self) -> bool:
        """False: nobody else uses it."""
        return False


class OwnBrowsers:
    """One warm browser at a time, launched through the host's driver."""

    def __init__(self, driver: Driver, recycle: RecyclePolicy) -> None:
        self._driver = driver
        self._recycle = recycle
        self._warm: WarmBrowser | None = None
        self._launching = asyncio.Lock()
        self._weighing: asyncio.Task[None] | None = None

    async def take(self) -> OwnLoan:
        """The warm browser, launched now if there is none that can be used."""
        async with self._launching:
            if self._warm is None or not self._warm.usable:
                if self._warm is not None and self._warm.active == 0:
                    await self._driver.close_browser(self._warm)
                self._warm = await self._driver.launch()
                self._watch(self._warm)
            self._warm.active += 1
            return OwnLoan(self._warm, self)

    async def take_back(self, warm: WarmBrowser, *, broken: bool) -> None:
        """Count an attempt that has ended, and replace the browser when that was its last."""
        warm.active -= 1
        warm.attempts += 1
        warm.retired = warm.retired or broken or self._is_due(warm)
        if warm.active == 0 and warm.retired:
            await self._driver.close_browser(warm)
        elif warm.active == 0:
            # Weighing reads the memory maps of a whole process tree: the attempt that is over must not wait for it.
            self._weighing = asyncio.ensure_future(self._weigh(warm))

    async def shut_down(self) -> None:
        """End the browser."""
        warm, self._warm = self._warm, None
        if warm is not None:
            await self._driver.close_browser(warm)

    def drop(self) -> None:
        """Nothing: its browsers are processes of the host's driver."""

    def _is_due(self, warm: WarmBrowser, *, memory_bytes: int = 0) -> bool:
        age = asyncio.get_running_loop().time() - warm.launched_at
        return self._recycle.is_due(attempts=warm.attempts, age_seconds=age, memory_bytes=memory_bytes)

    def _watch(self, warm: WarmBrowser) -> None:
        """End pages of it that take too much memory, while an attempt uses it and until it is gone."""

        def in_use() -> psutil.Process | None:
            return warm.process if warm.active else None

        def ending() -> None:
            warm.page_ended_at = monotonic()

        watch = asyncio.ensure_future(memory_watch.watch(in_use, self._recycle.page_memory_bytes, ending))

        def gone(_browser: Browser) -> None:
            watch.cancel()

        warm.browser.on("disconnected", gone)

    async def _weigh(self, warm: WarmBrowser) -> None:
        memory = await asyncio.to_thread(warm.memory_bytes)
        if self._is_due(warm, memory_bytes=memory):
            warm.retired = True  # an attempt that began meanwhile finishes; the next one gets a new browser
            if warm.active == 0:
                await self._driver.close_browser(warm)
