"""Acts on an element of the document through a Playwright locator."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Locator

from infra_shared.clock import monotonic
from webgraph.bindings import check_element
from webgraph.evidence.typing import HIDE_VALUE, unrecorded
from webgraph.failures import is_stale
from webgraph.quiet import quietly

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from playwright.async_api import ElementHandle, FilePayload, Page

    from webgraph.bindings import PlaceCheck

_NO_TEXT_FIELD = "Element is not an <input>"
_IS_SELECT = "element => element instanceof HTMLSelectElement"
_SCROLL = "(element, [left, top]) => element.scrollTo({left, top, behavior: 'instant'})"
_IS_INSIDE = "(element, css) => element.closest(css) !== null"
_INSIDE_SECONDS = 1.0

_TEXT = """element => {
  const field = element.matches('input, textarea, select') ? element.value : null;
  return (field ?? element.innerText ?? element.textContent ?? '').trim();
}"""

_RECORDS = """(root, [each, fields]) => {
  const words = node => (node.innerText ?? node.textContent ?? '').trim();
  const read = (record, field) => {
    const at = field.lastIndexOf('@');
    const selector = at < 0 ? field : field.slice(0, at);
    const node = selector ? record.querySelector(selector) : record;
    if (!node) return '';
    return at < 0 ? words(node) : (node.getAttribute(field.slice(at + 1)) ?? '');
  };
  const records = each === null ? [root] : [...root.querySelectorAll(each)];
  return records.map(record => Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, read(record, field)])));
}"""

_TABLE = """element => {
  const words = cell => (cell.innerText ?? cell.textContent ?? '').trim().replace(/\\s+/g, ' ');
  const table = element.matches('table') ? element : element.querySelector('table');
  if (!table) return null;
  const rows = [...table.rows];
  const head = table.tHead ? table.tHead.rows[table.tHead.rows.length - 1] : rows[0];
  if (!head) return [];
  const names = [...head.cells].map((cell, i) => words(cell) || `column ${i + 1}`);
  const body = rows.filter(row => row !== head && row.parentElement !== table.tHead
    && row.parentElement !== table.tFoot);
  return body.map(row => Object.fromEntries(names.map((name, i) => [name, row.cells[i] ? words(row.cells[i]) : ''])));
}"""


class DomActor:
    """The actor of the tiers that find elements; Playwright waits until one is stable and receives events.

    It is given a locator, or a handle together with the page the handle belongs to.
    """

    def __init__(self, thing: Locator | ElementHandle, page: Page | None = None) -> None:
        self.thing = thing
        self._page = thing.page if isinstance(thing, Locator) else cast("Page", page)

    async def click(self, *, timeout_seconds: float) -> None:
        """Click the middle of the element."""
        await self.thing.click(timeout=timeout_seconds * 1000)

    async def double_click(self, *, timeout_seconds: float) -> None:
        """Click the middle of the element twice."""
        await self.thing.dblclick(timeout=timeout_seconds * 1000)

    async def hover(self, *, timeout_seconds: float) -> None:
        """Move the pointer to the middle of the element."""
        await self.thing.hover(timeout=timeout_seconds * 1000)

    async def scroll(self, x: float, y: float, *, timeout_seconds: float) -> None:
        """Scroll the element's content at once, whatever the page says about smoothness."""
        await self._evaluate(_SCROLL, timeout_seconds, [x, y])

    async def fill(
        self, value: str, *, secret: bool, timeout_seconds: float, check: PlaceCheck | None = None
    ) -> None:
        """Replace the field's value; a secret one is drawn as dots, and no trace tells what was typed."""
        if check is not None:
            await self._in_its_document(
                check, timeout_seconds, lambda it, left: it.fill(value, secret=secret, timeout_seconds=left)
            )
            return
        if not secret:
            await self._fill(value, timeout_seconds)
            return
        await self._ask(HIDE_VALUE, timeout_seconds)
        await unrecorded(self._page, lambda: self._fill(value, timeout_seconds))

    async def select(self, option: str, *, timeout_seconds: float, check: PlaceCheck | None = None) -> None:
        """Choose an option of a select element by its label or value."""
        if check is not None:
            await self._in_its_document(
                check, timeout_seconds, lambda it, left: it.select(option, timeout_seconds=left)
            )
            return
        await self.thing.select_option(option, timeout=timeout_seconds * 1000)

    async def press(self, key: str, *, timeout_seconds: float) -> None:
        """Focus the element and press a key or a chord such as Control+A."""
        await self.thing.press(key, timeout=timeout_seconds * 1000)

    async def check(self, *, on: bool, timeout_seconds: float) -> None:
        """Set a checkbox or radio button; does nothing when it is so already."""
        await self.thing.set_checked(on, timeout=timeout_seconds * 1000)

    async def upload(
        self,
        files: Sequence[FilePayload] | Sequence[Path],
        *,
        timeout_seconds: float,
        check: PlaceCheck | None = None,
    ) -> None:
        """Put files into a file input."""
        if check is not None:
            await self._in_its_document(
                check, timeout_seconds, lambda it, left: it.upload(files, timeout_seconds=left)
            )
            return
        await self.thing.set_input_files(files, timeout=timeout_seconds * 1000)

    async def text(self, *, timeout_seconds: float) -> str:
        """The element's visible text, or a field's value."""
        value: str = await self._ask(_TEXT, timeout_seconds)
        return value

    async def records(
        self, each: str | None, fields: Mapping[str, str], *, timeout_seconds: float
    ) -> list[dict[str, str]]:
        """One record for each descendant `each` selects, or one for the element itself."""
        found: list[dict[str, str]] = await self._ask(_RECORDS, timeout_seconds, [each, dict(fields)])
        return found

    async def table(self, *, timeout_seconds: float) -> list[dict[str, str]]:
        """The rows of the table, head and foot left out; an element without a table has none."""
        rows: list[dict[str, str]] | None = await self._ask(_TABLE, timeout_seconds)
        return rows or []

    async def changed(self, *, timeout_seconds: float) -> None:
        """Nothing of its own: the document tells what changed."""

    async def is_inside(self, css: str) -> bool:
        """Whether it is, or lies in, something the selector finds in its document."""
        return bool(await self._ask(_IS_INSIDE, _INSIDE_SECONDS, css))

    async def _in_its_document(
        self,
        check: PlaceCheck,
        timeout_seconds: float,
        act: Callable[[DomActor, float], Awaitable[None]],
    ) -> None:
        """Act on the element through a handle that dies with the document that was checked.

        A locator would look again, and find the same field in whatever document the page leads to meanwhile. When the
        page replaces the element it is found, and checked, anew.
        """
        deadline = monotonic() + timeout_seconds
        while True:
            left = max(0.05, deadline - monotonic())
            element = await self._element(left)
            try:
                await check_element(element, check)
                await act(DomActor(element, self._page), left)
            except PlaywrightError as error:
                if element is self.thing or not is_stale(error) or monotonic() >= deadline:
                    raise
            else:
                return

    async def _element(self, timeout_seconds: float) -> ElementHandle:
        if not isinstance(self.thing, Locator):
            return self.thing
        return await self.thing.element_handle(timeout=timeout_seconds * 1000)

    async def _fill(self, value: str, timeout_seconds: float) -> None:
        try:
            await self.thing.fill(value, timeout=timeout_seconds * 1000)
        except PlaywrightError as error:
            # A recording says only that a field changed; asking first what it is would cost every other one a turn.
            if _NO_TEXT_FIELD not in error.message or not await self._is_select(timeout_seconds):
                raise
            await self.select(value, timeout_seconds=timeout_seconds)

    async def _ask(self, function: str, timeout_seconds: float, argument: Any = None) -> Any:
        """What a function of the page makes of the element. Reading changes nothing, so no trace needs it."""
        return await quietly(self._page, lambda: self._evaluate(function, timeout_seconds, argument))

    async def _is_select(self, timeout_seconds: float) -> bool:
        return bool(await self._ask(_IS_SELECT, timeout_seconds))

    async def _evaluate(self, function: str, timeout_seconds: float, argument: Any = None) -> Any:
        if isinstance(self.thing, Locator):
            return await self.thing.evaluate(function, argument, timeout=timeout_seconds * 1000)
        async with asyncio.timeout(timeout_seconds):
            return await self.thing.evaluate(function, argument)
