"""The supervised page an automation works with: every method is one recorded step."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from infra_shared.clock import utc_now
from webgraph.dialogs import DialogAnswer
from webgraph.entering import Entering
from webgraph.failures import certificate_failure, from_status, unexpected_status
from webgraph.files import DownloadedFile, FileContent, InputFile, PageAnswer
from webgraph.looking import Looking
from webgraph.network import without_sign_in
from webgraph.questions import Questions
from webgraph.step_plan import StepPlan
from webgraph.workers.base import Need

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Sequence

    from playwright.async_api import Download, Response

    from webgraph.conditions import Condition
    from webgraph.step_plan import Act
    from webgraph.surface import Surface
    from webgraph.target import Target

_LONGEST_TITLE = 2_000
_SCROLL_PAGE = "([left, top]) => window.scrollTo({left, top, behavior: 'instant'})"


class Page(Entering, Looking, Questions):
    """One window of the attempt's browser.

    Steps wait for their target up to the automation's `step_timeout`, or `timeout_seconds` where given. `then` is a
    condition of `webgraph.conditions` that must hold afterwards; without it a step is done when the act is done.
    """

    async def goto(
        self,
        url: str,
        *,
        ok: Collection[int] | None = None,
        any_status: bool = False,
        then: Condition | None = None,
        timeout_seconds: float | None = None,
    ) -> PageAnswer:
        """Open an address and wait until it is loaded.

        429 raises RateLimitedError and 5xx NavigationError; 4xx is left to the automation. With `ok` every status
        outside it is an error, with `any_status` none is.
        """
        surface = self._surface

        async def act(it: Act) -> PageAnswer:
            await surface.check_address(url)
            self._supervisor.bindings.open(url)
            self._given(url, url)
            try:
                response = await surface.page.goto(url, timeout=it.clock.left * 1000)
            except PlaywrightTimeoutError:
                await surface.stop_loading()
                raise
            surface.raise_if_refused()
            if response is not None and not any_status:
                await self._judge(response, ok)
            status = response.status if response else None
            title = await surface.title()
            return PageAnswer(status, surface.url, title[:_LONGEST_TITLE])

        plan = StepPlan(
            action="goto",
            description=f"Open {without_sign_in(url)}",
            then=then,
            timeout_seconds=timeout_seconds,
        )
        return await self._supervisor.step(surface, plan, act)

    async def click(
        self, target: Target, *, then: Condition | None = None, timeout_seconds: float | None = None
    ) -> None:
        """Click a thing once, and let the page load if that navigates."""
        await self._act(
            "click",
            f"Click {target}",
            lambda it: it.on.click(timeout_seconds=it.clock.left),
            target=target,
            then=then,
            timeout_seconds=timeout_seconds,
            changes=True,
        )

    async def double_click(
        self, target: Target, *, then: Condition | None = None, timeout_seconds: float | None = None
    ) -> None:
        """Click a thing twice, as one gesture, and let the page load if that navigates."""
        await self._act(
            "double_click",
            f"Double-click {target}",
            lambda it: it.on.double_click(timeout_seconds=it.clock.left),
            target=target,
            then=then,
            timeout_seconds=timeout_seconds,
            changes=True,
        )

    async def hover(
        self, target: Target, *, then: Condition | None = None, timeout_seconds: float | None = None
    ) -> None:
        """Put the pointer over a thing, such as a menu that opens then."""
        await self._act(
            "hover",
            f"Point at {target}",
            lambda it: it.on.hover(timeout_seconds=it.clock.left),
            target=target,
            need=Need.SEE,
            then=then,
            timeout_seconds=timeout_seconds,
        )

    async def scroll(
        self,
        target: Target | None = None,
        *,
        x: float = 0,
        y: float = 0,
        then: Condition | None = None,
        timeout_seconds: float | None = None,
    ) -> None:
        """Scroll a thing's content, or the page's when None, to a position in CSS pixels from the top left."""
        surface = self._surface

        async def act(it: Act) -> None:
            if it.actor is None:
                await surface.page.evaluate(_SCROLL_PAGE, [x, y])
            else:
                await it.actor.scroll(x, y, timeout_seconds=it.clock.left)

        await self._act(
            "scroll",
            f"Scroll {target or 'the page'} to {x:g}, {y:g}",
            act,
            target=target,
            need=Need.SEE,
            then=then,
            timeout_seconds=timeout_seconds,
        )

    async def check(
        self,
        target: Target,
        *,
        on: bool = True,
        then: Condition | None = None,
        timeout_seconds: float | None = None,
    ) -> None:
        """Set a checkbox or radio button."""
        await self._act(
            "check",
            f"{'Check' if on else 'Uncheck'} {target}",
            lambda it: it.on.check(on=on, timeout_seconds=it.clock.left),
            target=target,
            then=then,
            timeout_seconds=timeout_seconds,
        )

    async def upload(
        self,
        target: Target,
        *files: InputFile | FileContent | Path,
        then: Condition | None = None,
        timeout_seconds: float | None = None,
    ) -> None:
        """Put files into a file input: those a run was given, ones the automation makes, or ones it left on disk."""
        payload = await asyncio.to_thread(_payload, files)
        made = "\n".join(
            file.body.decode("utf-8", "replace") for file in files if isinstance(file, FileContent)
        )
        check = self._supervisor.bindings.check_for(made)
        names = ", ".join(file.name for file in files)

        async def act(it: Act) -> None:
            self._given(made)
            await it.on.upload(payload, timeout_seconds=it.clock.left, check=check)

        await self._act(
            "upload",
            f"Upload {names} into {target}",
            act,
            target=target,
            need=Need.EXIST,
            then=then,
            timeout_seconds=timeout_seconds,
        )

    async def download(self, target: Target, *, timeout_seconds: float | None = None) -> DownloadedFile:
        """Click a thing that gives a file, and wait for the whole file."""
        surface, keeper, stage = self._surface, self._supervisor.keeper, self._supervisor.stage

        async def act(it: Act) -> DownloadedFile:
            async with surface.page.expect_download(timeout=it.clock.left * 1000) as coming:
                await it.on.click(timeout_seconds=it.clock.left)
            download = await coming.value
            # A copy: where the browser is shared, its own file lies out of this process's reach.
            with tempfile.TemporaryDirectory(dir=keeper.scratch) as folder:
                path = Path(folder) / "download"
                async with asyncio.timeout(it.clock.left):
                    await _save(download, path, surface)
                await keeper.download(download.suggested_filename, path, index=it.index, stage=stage)
                body = await asyncio.to_thread(path.read_bytes)
            await download.delete()
            return DownloadedFile(download.suggested_filename, len(body), body)

        return await self._act(
            "download",
            f"Download from {target}",
            act,
            target=target,
            timeout_seconds=timeout_seconds,
        )

    @asynccontextmanager
    async def popup(self, target: Target, *, timeout_seconds: float | None = None) -> AsyncIterator[Page]:
        """Click a thing that opens a window, work in it inside the block, and close it at the end."""
        surface = self._surface

        async def act(it: Act) -> Surface:
            with self._supervisor.window_expected():
                async with surface.page.expect_popup(timeout=it.clock.left * 1000) as coming:
                    await it.on.click(timeout_seconds=it.clock.left)
            # First, as it refuses and closes a window whose address is not allowed.
            opened = await self._windows.of(await coming.value)
            await opened.page.wait_for_load_state("load", timeout=it.clock.left * 1000)
            return opened

        opened = await self._act(
            "popup",
            f"Open a window from {target}",
            act,
            target=target,
            timeout_seconds=timeout_seconds,
        )
        yield Page(self._supervisor, opened, self._windows, self._dialogs)
        # After a failure inside the block the window stays open: its picture is the evidence.
        await self._supervisor.keeper.settled()
        await opened.page.close()

    def dialogs(self, *, accept: bool, text: str = "") -> Any:
        """`with page.dialogs(accept=True):` answers dialogs so within the block; else they are dismissed. No step."""
        check = self._supervisor.bindings.check_for(text)
        self._given(text)
        return self._dialogs.answered(DialogAnswer(accept=accept, text=text, check=check))

    async def _judge(self, response: Response, ok: Collection[int] | None) -> None:
        if ok is not None and response.status in ok:
            return
        failure = from_status(
            response.status,
            url=response.url,
            headers=await response.all_headers() if response.status >= 400 else {},
            now=utc_now(),
            proxied=self._surface.proxied,
        )
        if response.status == 503 and self._surface.gated:
            failure = certificate_failure(await response.text()) or failure
        if failure is None and ok is not None:
            failure = unexpected_status(response.status, url=response.url)
        if failure is not None:
            raise failure


async def _save(download: Download, path: Path, surface: Surface) -> None:
    try:
        await download.save_as(path)
    except PlaywrightError as error:
        raise surface.downloads.refusal(download) or error from error


def _payload(files: Sequence[InputFile | FileContent | Path]) -> list[Any]:
    """The files in Playwright's words: paths where all are on disk, which may be large; else all as bytes."""
    paths = [file.path if isinstance(file, InputFile) else file for file in files]
    if all(isinstance(path, Path) for path in paths):
        return paths
    made = [FileContent(path.name, path.read_bytes()) if isinstance(path, Path) else path for path in paths]
    return [{"name": file.name, "mimeType": file.content_type, "buffer": file.body} for file in made]
