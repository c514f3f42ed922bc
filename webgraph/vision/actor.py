"""Acts on a place in the picture: the pointer goes there and clicks, the keyboard types."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NoReturn

from playwright.async_api import Error as PlaywrightError

from infra_shared.clock import monotonic
from webgraph.bindings import check_element
from webgraph.evidence.typing import HIDE_VALUE, unrecorded
from webgraph.quiet import quietly
from webgraph.workers.base import UnsupportedActionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from playwright.async_api import ElementHandle, FilePayload, Page

    from webgraph.bindings import PlaceCheck
    from webgraph.vision.sighting import Sighting

_HIDE_VALUE = f"""element => {{
  const field = element.shadowRoot?.activeElement ?? element;
  if (!field.matches('input, textarea')) return false;
  ({HIDE_VALUE})(field);
  return true;
}}"""
_FIELD = "element => element.shadowRoot?.activeElement ?? element"
CONTROLS = "a[href], button, input, select, textarea, summary, label, [role]"
# A function of the page: what the document has at a place; null where it is painted, or another document's.
THING_AT = """([x, y]) => {
  let found = document.elementFromPoint(x, y);
  while (found?.shadowRoot?.elementFromPoint(x, y)) found = found.shadowRoot.elementFromPoint(x, y);
  return found?.closest('canvas, img, video, svg, iframe, object, embed') ? null : found;
}"""
_CONTROL_AT = f"place => ({THING_AT})(place)?.closest({CONTROLS!r}) ?? null"
_LOOK_AGAIN_SECONDS = 0.15
# What the pointer itself changes (a colour, a hint) is done before the picture that the act is measured by.
_MOST_LOOKS_FOR_REST = 5
_DEEPEST_FRAME = 10


class VisionActor:
    """The actor of the vision tier. Whether an act did anything is seen by comparing pictures before and after it."""

    def __init__(self, page: Page, sighting: Sighting) -> None:
        self._page = page
        self._sighting = sighting
        self._before: bytes | None = None

    async def control(self) -> ElementHandle | None:
        """The control that the document has where this was seen; None where it is only painted."""
        place = list(self._sighting.middle)
        found = await quietly(self._page, lambda: self._page.evaluate_handle(_CONTROL_AT, place))
        return found.as_element()

    async def click(self, *, timeout_seconds: float) -> None:
        """Click the middle of what was seen."""
        async with asyncio.timeout(timeout_seconds):
            x, y = await self._point_at()
            await self._page.mouse.click(x, y)

    async def double_click(self, *, timeout_seconds: float) -> None:
        """Click the middle of what was seen twice."""
        async with asyncio.timeout(timeout_seconds):
            x, y = await self._point_at()
            await self._page.mouse.dblclick(x, y)

    async def hover(self, *, timeout_seconds: float) -> None:
        """Put the pointer over the middle of what was seen."""
        async with asyncio.timeout(timeout_seconds):
            await self._page.mouse.move(*self._sighting.middle)

    async def scroll(self, x: float, y: float, *, timeout_seconds: float) -> None:  # noqa: ARG002 - refused
        """Not possible: a picture has no position to scroll to."""
        self._refuse("scrolled to a position")

    async def fill(
        self, value: str, *, secret: bool, timeout_seconds: float, check: PlaceCheck | None = None
    ) -> None:
        """Click it and type over what is there; a secret is typed only where the browser can draw it as dots."""
        async with asyncio.timeout(timeout_seconds):
            x, y = await self._point_at()
            await self._page.mouse.click(x, y)
            if check is not None:
                await self._fill_checked(value, check)
                return
            if secret:
                await self._hide_value()
            await self._page.keyboard.press("ControlOrMeta+a")
            if secret:
                await unrecorded(self._page, lambda: self._page.keyboard.type(value))
            else:
                await self._page.keyboard.type(value)

    async def select(
        self,
        option: str,  # noqa: ARG002 - refused
        *,
        timeout_seconds: float,  # noqa: ARG002 - refused
        check: PlaceCheck | None = None,  # noqa: ARG002 - refused
    ) -> None:
        """Not possible: the options of a list are not in the picture."""
        self._refuse("chosen from")

    async def press(self, key: str, *, timeout_seconds: float) -> None:
        """Click it, which gives it the focus, and press a key."""
        async with asyncio.timeout(timeout_seconds):
            x, y = await self._point_at()
            await self._page.mouse.click(x, y)
            await self._page.keyboard.press(key)

    async def check(self, *, on: bool, timeout_seconds: float) -> None:  # noqa: ARG002 - refused
        """Not possible: whether it is ticked already cannot be told for sure."""
        self._refuse("set to a state, only clicked")

    async def upload(
        self,
        files: Sequence[FilePayload] | Sequence[Path],  # noqa: ARG002 - refused
        *,
        timeout_seconds: float,  # noqa: ARG002 - refused
        check: PlaceCheck | None = None,  # noqa: ARG002 - refused
    ) -> None:
        """Not possible: files go into an element."""
        self._refuse("given files")

    async def text(self, *, timeout_seconds: float) -> str:  # noqa: ARG002 - it was read when it was found
        """Its text as it was read."""
        return self._sighting.text

    async def records(
        self,
        each: str | None,  # noqa: ARG002 - refused
        fields: Mapping[str, str],  # noqa: ARG002 - refused
        *,
        timeout_seconds: float,  # noqa: ARG002 - refused
    ) -> list[dict[str, str]]:
        """Not possible: selectors find nothing in a picture."""
        self._refuse("read as records")

    async def table(self, *, timeout_seconds: float) -> list[dict[str, str]]:  # noqa: ARG002 - refused
        """Not possible: a picture has no rows."""
        self._refuse("read as a table")

    async def changed(self, *, timeout_seconds: float) -> bool | None:
        """Whether the visible area differs in any pixel from before the act; None when it did nothing yet."""
        if self._before is None:
            return None
        deadline = monotonic() + timeout_seconds
        try:
            while await self._pixels() == self._before:
                if monotonic() >= deadline:
                    return False
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        except PlaywrightError:
            return True  # the page is gone or being replaced
        return True

    async def _point_at(self) -> tuple[float, float]:
        """Move the pointer there, wait until the page rests, and keep what it looks like."""
        x, y = self._sighting.middle
        await self._page.mouse.move(x, y)
        self._before = await self._pixels()
        for _ in range(_MOST_LOOKS_FOR_REST):
            earlier, self._before = self._before, await self._pixels()
            if earlier == self._before:
                break
        return x, y

    async def _pixels(self) -> bytes:
        return await self._page.screenshot(type="png")

    async def _fill_checked(self, value: str, check: PlaceCheck) -> None:
        """Fill the field that has the focus through its handle: keys would go wherever the focus moves meanwhile."""
        await self._hide_value()
        focused = await _focused(self._page)
        inner = await focused.evaluate_handle(_FIELD) if focused is not None else None
        field = inner.as_element() if inner is not None else None
        if field is None:
            msg = "The field that was clicked lost the focus before the secret could be filled in."
            raise UnsupportedActionError(msg)
        await check_element(field, check)
        await field.fill(value)

    async def _hide_value(self) -> None:
        """Let the focused field draw its value as dots, or refuse: pictures of anything else could show the secret."""
        field = await _focused(self._page)
        if field is None or not await field.evaluate(_HIDE_VALUE):
            msg = "A secret is typed only into a field of the document; what was clicked gave the focus to none."
            raise UnsupportedActionError(msg)

    def _refuse(self, words: str) -> NoReturn:
        msg = f"“{self._sighting.text}” was found by sight, and what is found so cannot be {words}."
        raise UnsupportedActionError(msg)


async def _focused(page: Page) -> ElementHandle | None:
    """The element that has the focus, in whatever frame it lives."""
    frame: Any = page.main_frame
    for _ in range(_DEEPEST_FRAME):
        element: ElementHandle | None = (await frame.evaluate_handle("document.activeElement")).as_element()
        inner = await element.content_frame() if element is not None else None
        if inner is None:
            return element
        frame = inner
    return None
