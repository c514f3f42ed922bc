"""The Playwright driver and the browsers it launches, with the identity of their processes."""

from __future__ import annotations

import asyncio
import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import async_playwright

from webgraph.browser import processes
from webgraph.browser.launching import LAUNCH_SECONDS, launch_flags
from webgraph.errors import BrowserCrashError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.async_api import Browser, Playwright

CLOSE_SECONDS = 5.0
CONNECT_SECONDS = 10.0

_ENVIRONMENT_LOCK = threading.Lock()


@dataclass(slots=True)
class WarmBrowser:
    """A running browser that serves attempt after attempt until it is retired."""

    browser: Browser
    process: psutil.Process | None
    launched_at: float
    attempts: int = 0
    active: int = 0
    retired: bool = False
    page_ended_at: float | None = None

    @property
    def usable(self) -> bool:
        """Whether a new attempt may be given a context of it."""
        return not self.retired and self.browser.is_connected()

    def memory_bytes(self) -> int:
        """What its process tree costs now; 0 where its process could not be identified."""
        return processes.memory_bytes(processes.tree(self.process)) if self.process else 0


class Driver:
    """One Playwright driver with its own temporary folder. Lives on one event loop."""

    def __init__(self, executable: str | None, *, headless: bool, folder: Path) -> None:
        self._executable = executable
        self._headless = headless
        self._folder = folder
        self._playwright: Playwright | None = None

    async def launch(self) -> WarmBrowser:
        """Start a browser; a driver that went away is started again first."""
        try:
            return await self._launch()
        except PlaywrightError:
            await self.stop()
        try:
            return await self._launch()
        except PlaywrightError as error:
            first_line = str(error).strip().partition("\n")[0]
            msg = f"The browser could not be started: {first_line}"
            raise BrowserCrashError(msg) from error

    async def connect(self, endpoint: str) -> Browser:
        """Connect to a browser server; a driver that went away is started again first.

        BrowserCrashError when the server cannot be reached; no error names the endpoint, which is a secret.
        """
        try:
            return await self._connect(endpoint)
        except PlaywrightError:
            await self.stop()
        try:
            return await self._connect(endpoint)
        except PlaywrightError:
            raise BrowserCrashError("The browser of this node could not be connected to.") from None

    async def close_browser(self, warm: WarmBrowser) -> None:
        """End one browser in bounded time, by force if it does not go by itself."""
        warm.retired = True
        family = processes.tree(warm.process) if warm.process else []
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await warm.browser.close()
        except (PlaywrightError, TimeoutError):
            pass  # what is left is ended below, by identity
        if family:
            await asyncio.to_thread(processes.kill, family)

    async def stop(self) -> None:
        """End the driver and everything that was started through it, in bounded time."""
        playwright, self._playwright = self._playwright, None
        if playwright is not None:
            try:
                async with asyncio.timeout(CLOSE_SECONDS):
                    await playwright.stop()
            except (PlaywrightError, TimeoutError):
                pass  # what is left is ended below, by identity
        await asyncio.to_thread(self.kill)

    def kill(self) -> None:
        """End every process of this driver at once. Callable from any thread."""
        processes.kill(processes.owned_by(self._folder))

    async def _started(self) -> Playwright:
        if self._playwright is None:
            with _temporary_folder(self._folder):
                self._playwright = await async_playwright().start()
        return self._playwright

    async def _connect(self, endpoint: str) -> Browser:
        playwright = await self._started()
        return await playwright.chromium.connect(endpoint, timeout=CONNECT_SECONDS * 1000)

    async def _launch(self) -> WarmBrowser:
        playwright = await self._started()
        browser = await playwright.chromium.launch(
            executable_path=self._executable,
            headless=self._headless,
            args=launch_flags(),
            timeout=LAUNCH_SECONDS * 1000,
            # Stopping is the host's business: the driver must not end browsers on its own.
            handle_sigint=False,
            handle_sigterm=False,
            handle_sighup=False,
        )
        process = await _process_of(browser)
        return WarmBrowser(browser, process, launched_at=asyncio.get_running_loop().time())


async def _process_of(browser: Browser) -> psutil.Process | None:
    session = await browser.new_browser_cdp_session()
    try:
        answer = await session.send("SystemInfo.getProcessInfo")
    finally:
        await session.detach()
    pid = next(item["id"] for item in answer["processInfo"] if item["type"] == "browser")
    # A browser in a process namespace of its own reports an id that means somebody else here.
    family = psutil.Process().children(recursive=True)
    return next((process for process in family if process.pid == pid), None)


@contextmanager
def _temporary_folder(folder: Path) -> Iterator[None]:
    """Give the driver its own TMPDIR: Playwright copies this process's environment and takes no other."""
    with _ENVIRONMENT_LOCK:
        environment = os.environ  # noqa: TID251 - not a setting: the only way to hand a variable to the driver
        before = environment.get("TMPDIR")
        environment["TMPDIR"] = str(folder)
        try:
            yield
        finally:
            if before is None:
                del environment["TMPDIR"]
            else:
                environment["TMPDIR"] = before
