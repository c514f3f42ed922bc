"""A warm browser that serves one attempt after the other, each in a fresh context."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from playwright.async_api import Error as PlaywrightError

from infra_shared.clock import monotonic
from webgraph.browser import folders
from webgraph.browser.borrowed import BorrowedBrowsers
from webgraph.browser.driver import CLOSE_SECONDS, Driver
from webgraph.browser.gateway.gateway import Gateway
from webgraph.browser.launching import LAUNCH_SECONDS
from webgraph.browser.loan import Fault
from webgraph.browser.own import OwnBrowsers
from webgraph.browser.recycling import RecyclePolicy
from webgraph.errors import AuthError, BrowserCrashError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Mapping
    from concurrent.futures import Future
    from pathlib import Path

    from playwright.async_api import BrowserContext

    from webgraph.browser.folders import HostFolder
    from webgraph.browser.gateway.meter import Meter
    from webgraph.browser.gateway.verdicts import Verdicts
    from webgraph.browser.loan import BrowserSource, Loan
    from webgraph.browser.signed_profile import SignedProfile
    from webgraph.limits import Limits
    from webgraph.network import AddressPolicy

T = TypeVar("T")

_NO_CERTIFICATE = "Failed to load client certificate:"
_STOP_SECONDS = 3 * CLOSE_SECONDS
# From when a process is ended until its page is told to have crashed; on a busy machine.
_JUST_NOW_SECONDS = 10.0
_FOR_ONE_ATTEMPT = RecyclePolicy(attempts=1)


class BrowserHost:
    """Has a browser, the driver, and the one event loop they live on (a daemon thread).

    The browser is had at the first lease and again when it went away: it is launched, or, with a `keeper`, borrowed from
    it and shared with other processes. Everything that was started here is ended by `close`, by identity and in bounded
    time. A borrowed browser is only let go of: nothing that goes wrong here ends it for others.
    """

    def __init__(
        self,
        executable: str | None,
        *,
        headless: bool = True,
        recycle: RecyclePolicy | None = None,
        temp_root: Path | None = None,
        keeper: Path | None = None,
    ) -> None:
        self._executable = executable
        self._headless = headless
        self._recycle = recycle or RecyclePolicy()
        self._temp_root = temp_root
        self._keeper = keeper
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._driver: Driver | None = None
        self._folder: HostFolder | None = None
        self._usual: BrowserSource | None = None
        self._alone: BrowserSource | None = None
        self._gateway = Gateway()
        self._loans: dict[BrowserContext, Loan] = {}
        self._verdicts: dict[BrowserContext, Verdicts] = {}
        self._distrusted: set[BrowserContext] = set()

    @property
    def is_running(self) -> bool:
        """Whether attempts can be submitted."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def open_contexts(self) -> int:
        """How many contexts are leased now."""
        return len(self._loans)

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
        driver = Driver(self._executable, headless=self._headless, folder=self.folder)
        self._driver = driver
        self._usual = self._alone = OwnBrowsers(driver, self._recycle)
        if self._keeper is not None:
            self._usual = BorrowedBrowsers(driver, self._keeper)
            self._alone = OwnBrowsers(driver, _FOR_ONE_ATTEMPT)
        self._loans, self._verdicts = {}, {}
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
            self._gateway.close()
            self._thread = self._loop = self._driver = None
            self._remove_folder()

    def kill_browser(self) -> None:
        """End the driver at once, from any thread, and with it the browser or, where it is shared, this host's contexts.

        The next lease starts anew.
        """
        if self._driver is not None:
            self._driver.kill()
        if self._usual is not None:
            self._usual.drop()

    def abandon(self) -> None:
        """Give up a loop that answers nothing any more and end what it had (`kill_browser`); `start` begins anew."""
        self.kill_browser()
        self._gateway.close()
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
        self,
        profile: SignedProfile,
        policy: AddressPolicy,
        *,
        storage_state: Mapping[str, Any] | None = None,
        alone: bool = False,
        meter: Meter | None = None,
    ) -> AsyncIterator[BrowserContext]:
        """A fresh browser context; closed at the end in bounded time, also when the attempt is cancelled.

        Its requests reach what the policy lets them reach, and nothing else; `verdicts` tells what they did not. With a `storage_state` it has the cookies and local storage of an earlier one. `alone` is for an attempt that
        must not share a browser: it gets one of this host's own. A `meter` counts what comes in.
        """
        source = self._alone if alone else self._usual
        assert source is not None  # the loop this runs on was started together with it
        async with self._gateway.door(profile.ways(policy), meter) as door:
            options = profile.context_options(door.address)
            if storage_state is not None:
                options["storage_state"] = dict(storage_state)
            loan, context = await _open_context(source, options)
            self._loans[context], self._verdicts[context] = loan, door.verdicts
            try:
                yield context
            finally:
                del self._loans[context], self._verdicts[context]
                fault = Fault.BROWSER if context in self._distrusted else Fault.NONE
                self._distrusted.discard(context)
                await _finish(_release(loan, context, fault))

    def verdicts(self, context: BrowserContext) -> Verdicts:
        """What a leased context could not reach, and why."""
        return self._verdicts[context]

    def why_crashed(self, context: BrowserContext, limits: Limits) -> str:
        """Why a page of a leased context lost its process just now, where it was ended for its memory; else empty."""
        loan = self._loans.get(context)
        at = loan.page_ended_at if loan is not None else None
        return limits.memory() if at is not None and monotonic() - at < _JUST_NOW_SECONDS else ""

    def distrust(self, context: BrowserContext) -> None:
        """Have nobody given the browser of a leased context after this: it answers, but it cannot be worked with."""
        self._distrusted.add(context)

    async def lost_with_others(self, context: BrowserContext) -> bool:
        """Whether a leased context ended because the browser it shares with other processes went away."""
        loan = self._loans.get(context)
        return loan is not None and await loan.went_away_with_others()

    async def _shut_down(self) -> None:
        for source in filter(None, (self._usual, self._alone)):
            await source.shut_down()
        if self._driver is not None:
            await self._driver.stop()


async def _open_context(source: BrowserSource, options: Mapping[str, Any]) -> tuple[Loan, BrowserContext]:
    try:
        return await _try_context(source, options)
    except PlaywrightError:
        pass  # it may have died since it was last used: once more with a new one
    try:
        return await _try_context(source, options)
    except PlaywrightError as error:
        if _NO_CERTIFICATE in str(error):
            msg = f"The client certificate of the browser profile is not usable: {_reason(error)}."
            raise AuthError(msg, permanent=True) from error
        msg = "The browser went away before the attempt began."
        raise BrowserCrashError(msg) from error


async def _try_context(source: BrowserSource, options: Mapping[str, Any]) -> tuple[Loan, BrowserContext]:
    loan = await source.take()
    try:
        async with asyncio.timeout(LAUNCH_SECONDS):
            return loan, await loan.browser.new_context(**options)
    except TimeoutError as error:
        await _finish(loan.give_back(Fault.BROWSER))
        raise BrowserCrashError("The browser did not answer before the attempt began.") from error
    except BaseException:
        await _finish(loan.give_back(Fault.CONNECTION))
        raise


async def _release(loan: Loan, context: BrowserContext, fault: Fault) -> None:
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await context.close()
    except PlaywrightError:
        fault = Fault.CONNECTION if fault is Fault.NONE else fault
    except TimeoutError:
        fault = Fault.BROWSER
    await loan.give_back(fault)


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
