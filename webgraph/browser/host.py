"""A warm browser that serves one attempt after the other, each in a fresh context."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from playwright.async_api import Error as PlaywrightError

from webgraph.browser import folders
from webgraph.browser.driver import CLOSE_SECONDS, Driver, WarmBrowser
from webgraph.errors import AuthError, BrowserCrashError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Mapping
    from concurrent.futures import Future
    from pathlib import Path

    from playwright.async_api import BrowserContext

    from webgraph.browser.folders import HostFolder
    from webgraph.browser.signed_profile import SignedProfile

T = TypeVar("T")

_NO_CERTIFICATE = "Failed to load client certificate:"
_STOP_SECONDS = 3 * CLOSE_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class RecyclePolicy:
    """When a warm browser is replaced, looked at between attempts: slow leaks end here."""

    attempts: int = 100
    age: timedelta = timedelta(hours=1)
    memory_bytes: int = 1_500_000_000

    def is_due(self, *, attempts: int, age_seconds: float, memory_bytes: int) -> bool:
        """Whether a browser with these figures has served long enough."""
        return (
            attempts >= self.attempts
            or age_seconds >= self.age.total_seconds()
            or memory_bytes >= self.memory_bytes
        )


class BrowserHost:
    """Owns a browser, its driver, and the one event loop they live on (a daemon thread).

    The browser is launched at the first lease and again when it went away. Everything that was started is ended by
    `close`, by identity and in bounded time.
    """

    def __init__(
        self,
        executable: str | None,
        *,
        headless: bool = True,
        recycle: RecyclePolicy | None = None,
        temp_root: Path | None = None,
    ) -> None:
        self._executable = executable
        self._headless = headless
        self._recycle = recycle or RecyclePolicy()
        self._temp_root = temp_root
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._driver: Driver | None = None
        self._folder: HostFolder | None = None
        self._warm: WarmBrowser | None = None
        self._launching = asyncio.Lock()
        self._weighing: asyncio.Task[None] | None = None

    @property
    def is_running(self) -> bool:
        """Whether attempts can be submitted."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def folder(self) -> Path:
        """The temporary folder of this host; its processes carry it as their mark."""
        if self._folder is None:
            msg = "The browser host is not started; call start() first."
            raise RuntimeError(msg)
        return self._folder.path

    def start(self) -> None:
        """Start the loop's thread; the browser itself starts with the first lease. Does nothing when running."""
        if self.is_running:
            return
        folders.sweep(self._temp_root)
        self._folder = folders.make(self._temp_root)
        self._driver = Driver(self._executable, headless=self._headless, folder=self.folder)
        self._warm = None
        self._launching = asyncio.Lock()
        loop = asyncio.new_event_loop()
        loop.set_exception_handler(_ignore_lost_connections)
        self._loop = loop
        self._thread = threading.Thread(
            target=_serve, args=(loop,), name=f"browser of {self.folder.name}", daemon=True
        )
        self._thread.start()

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine on the host's loop and return a future for the calling thread."""
        if self._loop is None or not self.is_running:
            coroutine.close()
            msg = "The browser host is not started; call start() first."
            raise RuntimeError(msg)
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def close(self) -> None:
        """End browser, driver and loop within about fifteen seconds, by force if need be."""
        thread, loop, driver = self._thread, self._loop, self._driver
        if thread is None or loop is None or driver is None:
            return
        try:
            self.submit(self._shut_down()).result(timeout=_STOP_SECONDS)
        except TimeoutError:
            pass  # the loop is stuck: its processes are ended below, from this thread
        finally:
            driver.kill()
            loop.call_soon_threadsafe(loop.stop)
            thread.join(timeout=CLOSE_SECONDS)
            self._thread = self._loop = self._driver = None
            self._remove_folder()

    def kill_browser(self) -> None:
        """End the browser and its driver at once, from any thread; the next lease starts new ones."""
        if self._driver is not None:
            self._driver.kill()

    def abandon(self) -> None:
        """Give up a loop that answers nothing any more and end its browser; `start` begins anew."""
        self.kill_browser()
        self._remove_folder()
        # The thread is a daemon: it ends with the process, or as soon as what blocks it returns.
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread = self._loop = self._driver = None

    def _remove_folder(self) -> None:
        if self._folder is not None:
            self._folder.remove()

    @asynccontextmanager
    async def lease(
        self, profile: SignedProfile, *, storage_state: Mapping[str, Any] | None = None
    ) -> AsyncIterator[BrowserContext]:
        """A fresh browser context; closed at the end in bounded time, also when the attempt is cancelled.

        With a `storage_state` it has the cookies and local storage of an earlier one.
        """
        warm, context = await self._open_context(profile, storage_state)
        try:
            yield context
        finally:
            await _finish(self._release(warm, context))

    async def _open_context(
        self, profile: SignedProfile, storage_state: Mapping[str, Any] | None
    ) -> tuple[WarmBrowser, BrowserContext]:
        try:
            return await self._try_context(profile, storage_state)
        except PlaywrightError:
            pass  # it may have died since it was last used: once more with a new one
        try:
            return await self._try_context(profile, storage_state)
        except PlaywrightError as error:
            if _NO_CERTIFICATE in str(error):
                msg = f"The client certificate of the browser profile is not usable: {_reason(error)}."
                raise AuthError(msg, permanent=True) from error
            msg = "The browser went away before the attempt began."
            raise BrowserCrashError(msg) from error

    async def _try_context(
        self, profile: SignedProfile, storage_state: Mapping[str, Any] | None
    ) -> tuple[WarmBrowser, BrowserContext]:
        warm = await self._usable_browser()
        warm.active += 1
        try:
            options = profile.context_options()
            if storage_state is not None:
                options["storage_state"] = dict(storage_state)
            return warm, await warm.browser.new_context(**options)
        except BaseException:
            warm.active -= 1
            warm.retired = True
            raise

    async def _usable_browser(self) -> WarmBrowser:
        driver = self._driver
        assert driver is not None
        async with self._launching:
            if self._warm is not None and self._warm.usable:
                return self._warm
            if self._warm is not None and self._warm.active == 0:
                await driver.close_browser(self._warm)
            self._warm = await driver.launch()
            return self._warm

    async def _release(self, warm: WarmBrowser, context: BrowserContext) -> None:
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await context.close()
        except (PlaywrightError, TimeoutError):
            warm.retired = True  # what cannot close a context is not given to another attempt
        warm.active -= 1
        warm.attempts += 1
        warm.retired = warm.retired or self._is_due(warm)
        if warm.active == 0 and warm.retired:
            await self._close_idle(warm)
        elif warm.active == 0:
            # Weighing reads the memory maps of a whole process tree: the attempt that is over must not wait for it.
            self._weighing = asyncio.ensure_future(self._weigh(warm))

    def _is_due(self, warm: WarmBrowser, *, memory_bytes: int = 0) -> bool:
        age = asyncio.get_running_loop().time() - warm.launched_at
        return self._recycle.is_due(attempts=warm.attempts, age_seconds=age, memory_bytes=memory_bytes)

    async def _weigh(self, warm: WarmBrowser) -> None:
        memory = await asyncio.to_thread(warm.memory_bytes)
        if self._is_due(warm, memory_bytes=memory):
            warm.retired = True  # an attempt that began meanwhile finishes; the next one gets a new browser
            await self._close_idle(warm)

    async def _close_idle(self, warm: WarmBrowser) -> None:
        driver = self._driver
        if warm.active == 0 and driver is not None:
            await driver.close_browser(warm)

    async def _shut_down(self) -> None:
        warm, driver = self._warm, self._driver
        self._warm = None
        if warm is not None and driver is not None:
            await driver.close_browser(warm)
        if driver is not None:
            await driver.stop()


def _reason(error: PlaywrightError) -> str:
    """What OpenSSL says of a certificate or key, without its numbers."""
    words = str(error).partition(_NO_CERTIFICATE)[2].partition("\n")[0]
    return words.rpartition(":")[2].strip() or words.strip()


async def _finish(coroutine: Coroutine[Any, Any, None]) -> None:
    """Await to the end even when cancelled meanwhile; the cancellation is passed on afterwards."""
    task = asyncio.ensure_future(coroutine)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        pending = asyncio.all_tasks(loop)
        for task in pending:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()


def _ignore_lost_connections(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Keep quiet about futures Playwright abandons when its driver dies: every caller got the error already."""
    error = context.get("exception")
    lost = isinstance(error, PlaywrightError) or "onnection closed" in str(error)
    if not lost:
        loop.default_exception_handler(context)
