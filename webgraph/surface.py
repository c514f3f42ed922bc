"""One window of the browser as the framework sees it: the page, its debugging session, and its navigations."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from infra_shared.clock import monotonic, utc_now
from webgraph.bounds import Bounds
from webgraph.downloads import Downloads
from webgraph.errors import AddressRefusedError, BrowserCrashError, WebGraphError
from webgraph.failures import from_status
from webgraph.quiet import command, quietly

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from playwright.async_api import BrowserContext, CDPSession, Page, Request, Response

    from webgraph.network import AddressPolicy

T = TypeVar("T")
OPEN_SECONDS = 30.0
"""Generous: how long a browser that works may take to open an empty window."""
_CRASHED = "The page's process crashed."
_ERROR_PAGE = "chrome-error:"
# What the gateway does not see of an address. One with such a sign in its path is judged, too, and let through.
_WITH_SIGN_IN = "*://*@*"
_STOP_LOADING_SECONDS = 1.0
_ANSWER_SECONDS = 1.5
_HUSH_SECONDS = 2.0
_LOAD_SECONDS = 5.0
_LOOK_AGAIN_SECONDS = (0.005, 0.01, 0.02, 0.04)
_LOOK_AGAIN_LATER_SECONDS = 0.08
_DIGEST = """(() => {
  let mark = 0;
  const add = text => { for (let i = 0; i < text.length; i++) mark = (Math.imul(mark, 31) + text.charCodeAt(i)) | 0; };
  const read = root => {
    if (root.querySelector('canvas, video, object, embed')) return false;
    // A screenshot that hides the caret leaves empty styles behind: nothing of the page's own.
    add((root.documentElement?.outerHTML ?? root.innerHTML).replaceAll(' style=""', ''));
    for (const field of root.querySelectorAll('input, textarea, select')) add(`${field.value} ${field.checked}`);
    for (const host of root.querySelectorAll('*')) {
      if (host.shadowRoot && !read(host.shadowRoot)) return false;
      if (host.tagName === 'IFRAME' && !(host.contentDocument && read(host.contentDocument))) return false;
    }
    return true;
  };
  return read(document) ? String(mark) : null;
})()"""


class Surface:
    """A page that tells why a document was refused which it tried to load, redirects and frames included.

    Refused they are by the gateway every request leaves through. What it cannot judge is paused and judged here: an
    address with a sign-in and, where the browser profile demands more, each document's (a route would pause everything
    and switch the cache off).
    """

    def __init__(
        self, page: Page, session: CDPSession, policy: AddressPolicy, bounds: Bounds | None = None
    ) -> None:
        self.page = page
        self.session = session
        self._policy = policy
        self.bounds = bounds or Bounds()
        self.downloads = Downloads(self.bounds)
        self._refusal: WebGraphError | None = None
        self._unreached = ""
        self._gone = asyncio.Event()
        self._checks: set[asyncio.Task[None]] = set()
        self.crashed = False
        self.ended: WebGraphError | None = None
        """Why no step is made here any more, where the page went beyond a limit or its process is gone."""
        self._limit: asyncio.Timeout | None = None
        self.document: Response | None = None
        """The answer that made the document now shown; None before the first one, and in a popup's first."""

    @classmethod
    async def open(cls, page: Page, policy: AddressPolicy, bounds: Bounds | None = None) -> Surface:
        """Watch a page from now on."""
        session = await page.context.new_cdp_session(page)
        surface = cls(page, session, policy, bounds)
        page.on("crash", surface._on_crash)
        page.on("close", surface._on_close)
        surface.bounds.watch(surface)
        page.on("response", surface._on_response)
        page.on("requestfailed", surface._on_failed)
        session.on("Fetch.requestPaused", surface._on_document)
        judged = {"resourceType": "Document", "urlPattern": "*" if policy.gates else _WITH_SIGN_IN}
        await asyncio.gather(
            surface.downloads.watch(page, session), session.send("Fetch.enable", {"patterns": [judged]})
        )
        return surface

    @property
    def url(self) -> str:
        """Where the page is."""
        return self.page.url

    @property
    def proxied(self) -> bool:
        """Whether a proxy may have answered in the site's place."""
        return self._policy.proxied

    @property
    def gated(self) -> bool:
        """Whether the browser profile says more of addresses than the installation does."""
        return bool(self._policy.gates)

    @property
    def window_closed(self) -> bool:
        """Whether this window is gone while the browser lives."""
        browser = self.page.context.browser
        alive = browser is not None and browser.is_connected()
        return self.page.is_closed() and alive and not self.crashed

    @asynccontextmanager
    async def limit(self, seconds: float) -> AsyncIterator[None]:
        """End what is done inside with TimeoutError after the time, or at once when the window is ended.

        Not every question that was under way when a page crashed is ever answered, so nobody waits for that.
        """
        outer = self._limit
        async with asyncio.timeout(0 if self.ended else seconds) as limit:
            self._limit = limit
            try:
                yield
            finally:
                self._limit = outer

    async def title(self) -> str:
        """The document's title as the browser shows it, which asks no page that is busy drawing itself."""
        shown = await command(self.page, self.session, "Page.getNavigationHistory")
        title: str = shown["entries"][shown["currentIndex"]]["title"]
        return title

    async def check_address(self, url: str) -> None:
        """Raise when the policy refuses the URL."""
        await self._policy.check(url)

    async def check_first_document(self) -> None:
        """Raise the refusal of a popup's first document, which was under way before anybody could watch it."""
        if self.url.startswith(("http:", "https:")):
            await self.check_address(self.url)
        elif self.url.startswith(_ERROR_PAGE):
            tree = await self.session.send("Page.getFrameTree")
            self._unreached = tree["frameTree"]["frame"].get("unreachableUrl", "")
            told = self.why_unreached()
            if isinstance(told, AddressRefusedError):
                raise told

    async def stop_loading(self) -> None:
        """Break off a navigation that does not arrive: until then the browser answers no question about the page."""
        try:
            async with asyncio.timeout(_STOP_LOADING_SECONDS):
                await self.session.send("Page.stopLoading")
        except (PlaywrightError, TimeoutError):
            return  # the page is gone or hangs, which its next user will be told

    async def unless_crashed(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What `ask` returns; PlaywrightError as soon as the page's process is gone, which not every call is told."""
        work = asyncio.ensure_future(ask())
        gone = asyncio.ensure_future(self._gone.wait())
        try:
            await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise PlaywrightError(_CRASHED)
            return work.result()
        finally:
            gone.cancel()
            work.cancel()

    def end(self, error: WebGraphError) -> None:
        """End the step at work here with this error, now and later; the first one stands."""
        self.ended = self.ended or error
        if self._limit is not None:
            self._limit.reschedule(asyncio.get_running_loop().time())

    async def hush(self) -> None:
        """Run none of the page's scripts any more, one that never ends included: then it can be looked at."""
        try:
            async with asyncio.timeout(_HUSH_SECONDS):
                off = {"value": True}
                await command(self.page, self.session, "Emulation.setScriptExecutionDisabled", off)
                await command(self.page, self.session, "Runtime.terminateExecution")
        except (PlaywrightError, TimeoutError):
            return  # the page is gone or hangs elsewhere, which whoever looks at it will be told

    async def hush_if_stuck(self) -> None:
        """The same, when the page answers nothing: for a step that failed, after which nothing is done with it."""
        asked = {"expression": "0", "returnByValue": True}
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await self.unless_crashed(lambda: command(self.page, self.session, "Runtime.evaluate", asked))
        except TimeoutError:
            self.bounds.tell("The page answered nothing, so its scripts were stopped to look at it.")
            await self.hush()
        except PlaywrightError:
            return  # between two documents, or gone

    async def digest(self) -> str | None:
        """A mark of everything in the document that an act could have changed; None where that cannot be told.

        Pixels and other origins' frames are beyond it, so a document that has any of them has no mark.
        """
        asked = {"expression": _DIGEST, "returnByValue": True}
        try:
            answer = await command(self.page, self.session, "Runtime.evaluate", asked)
        except PlaywrightError:
            return None  # between two documents
        mark = answer["result"].get("value")
        return f"{len(self.page.context.pages)} {self.url} {mark}" if mark else None

    async def whole(self, timeout_seconds: float) -> None:
        """Give the document time to arrive to its end; scripts that wait for that end may still be at work."""
        pauses = iter(_LOOK_AGAIN_SECONDS)
        asked = {"expression": "document.readyState", "returnByValue": True}
        deadline = monotonic() + timeout_seconds
        while monotonic() < deadline:
            try:
                answer = await command(self.page, self.session, "Runtime.evaluate", asked)
            except PlaywrightError:
                answer = {"result": {}}  # between two documents
            if answer["result"].get("value") in {"interactive", "complete"}:
                return
            await asyncio.sleep(next(pauses, _LOOK_AGAIN_LATER_SECONDS))

    async def parsed(self, timeout_seconds: float) -> None:
        """Give a page that is loading the time to become a document; one that does not is the next step's business."""
        try:
            await self.page.wait_for_load_state("domcontentloaded", timeout=timeout_seconds * 1000)
        except PlaywrightTimeoutError:
            return

    async def loaded(self) -> None:
        """Give what belongs to the page, such as style and pictures, a moment to arrive."""
        try:
            await quietly(
                self.page,
                lambda: self.page.wait_for_load_state("load", timeout=_LOAD_SECONDS * 1000),
            )
        except PlaywrightError:
            return  # it loads for long, or is gone: it is captured as it is, or the capture says why not

    def forget_refusal(self) -> None:
        """A new step begins: an earlier refusal is not its fault."""
        self.bounds.step_begins()
        self._refusal, self._unreached = None, ""

    def why_unreached(self) -> WebGraphError | None:
        """Why the document could not be had that this page last failed to open since the step began.

        The browser knows only that its proxy did not bring it. None when the way there was not the reason.
        """
        return self._policy.verdict(self._unreached) if self._unreached else None

    def raise_if_refused(self) -> None:
        """Raise the refusal of a document this page tried to open since the step began."""
        if self._refusal is not None:
            raise self._refusal

    def document_failure(self) -> WebGraphError | None:
        """What the status of the document now shown means: 429 and 5xx are failures of the site, whoever asked."""
        answer = self.document
        if answer is None:
            return None
        return from_status(
            answer.status, url=answer.url, headers=answer.headers, now=utc_now(), proxied=self.proxied
        )

    def _on_response(self, response: Response) -> None:
        if self._is_document(response.request):
            self.document = response
            self.bounds.document_opened()

    def _on_failed(self, request: Request) -> None:
        if not request.is_navigation_request():
            return
        if self._is_document(request):
            self._unreached = request.url
        told = self._policy.verdict(request.url)
        if isinstance(told, AddressRefusedError):
            self._refusal = told

    def _is_document(self, request: Request) -> bool:
        """Whether it was for what this page shows, and not for a part or a frame of it."""
        if not request.is_navigation_request():
            return False
        try:
            return request.frame == self.page.main_frame
        except PlaywrightError:
            return False  # its frame is gone, and what was asked for with it

    def _on_crash(self, _page: Page) -> None:
        self.crashed = True
        self._gone.set()
        self.end(BrowserCrashError(self.bounds.why_crashed() or _CRASHED))

    def _on_close(self, _page: Page) -> None:
        self.bounds.forget(self)

    def _on_document(self, event: dict[str, Any]) -> None:
        task = asyncio.ensure_future(self._judge(event))
        self._checks.add(task)  # the loop keeps only weak references to its tasks
        task.add_done_callback(self._checks.discard)

    async def _judge(self, event: dict[str, Any]) -> None:
        request = {"requestId": event["requestId"]}
        try:
            try:
                await self._policy.check(event["request"]["url"])
            except WebGraphError as refusal:
                self._refusal = refusal
                refused = request | {"errorReason": "BlockedByClient"}
                await command(self.page, self.session, "Fetch.failRequest", refused)
            else:
                await command(self.page, self.session, "Fetch.continueRequest", request)
        except PlaywrightError:
            # The page went away, or the request was superseded meanwhile: there is nothing left to let through.
            return


class Windows:
    """Every window of a browser context, each watched from the moment it opens."""

    def __init__(self, context: BrowserContext, policy: AddressPolicy, bounds: Bounds | None = None) -> None:
        self._context = context
        self._policy = policy
        self._bounds = bounds or Bounds()
        self._opening: dict[Page, asyncio.Task[Surface]] = {}
        self._refused: dict[Page, WebGraphError] = {}
        context.on("page", self._on_page)

    async def open(self) -> Surface:
        """A new empty window.

        BrowserCrashError when none opens in time: a browser that lost the process it makes others from still answers,
        and makes contexts, but its windows crash at once or are waited for without end.
        """
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                return await self.of(await self._context.new_page())
        except (PlaywrightError, TimeoutError) as error:
            raise BrowserCrashError("The browser could not open a window.") from error

    async def of(self, page: Page) -> Surface:
        """The surface of a window that is open; raises the refusal of one that was closed for its address."""
        if page in self._refused:
            raise self._refused[page]
        self._on_page(page)
        return await self._opening[page]

    def _on_page(self, page: Page) -> None:
        if page not in self._opening:
            is_one_too_many = not self._bounds.window_opened()
            task = asyncio.ensure_future(self._turn_away(page) if is_one_too_many else self._watch(page))
            # A window nobody asks for may close before it is watched; that is no news to anyone.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._opening[page] = task
            page.on("close", self._on_close)

    def _on_close(self, page: Page) -> None:
        self._opening.pop(page, None)

    async def _turn_away(self, page: Page) -> Surface:
        await page.close()
        raise self._bounds.limits.too_many_windows()

    async def _watch(self, page: Page) -> Surface:
        surface = await Surface.open(page, self._policy, self._bounds)
        try:
            await surface.check_first_document()
        except WebGraphError as refusal:
            self._refused[page] = refusal
            await page.close()
            raise
        return surface
