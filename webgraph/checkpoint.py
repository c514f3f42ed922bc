"""What is left behind at a stage's end, enough for another attempt to go on there in another browser."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from infra_shared.clock import monotonic
from webgraph.page_mark import difference, look_at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playwright.async_api import BrowserContext, Page

_CAPTURE_SECONDS = 5.0
# A page that builds itself by script needs a moment before it shows what it showed.
_SETTLE_SECONDS = 3.0
_LOOK_AGAIN_SECONDS = 0.1
_RESTORE_SESSION = """stores => {
  const items = stores[location.origin] || {};
  for (const key of Object.keys(items)) sessionStorage.setItem(key, items[key]);
}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """After which stage (its position counts from 1), the automation's state, and the browser's: a secret.

    `storage_state` holds Playwright's cookies and local storage. IndexedDB is not among it: what Playwright makes of it
    loses blobs and keys without a word. `session_storage` is by origin; `page` is a mark of `webgraph.page_mark`.
    """

    position: int
    stage: str
    state: dict[str, Any] = field(repr=False)
    url: str = field(repr=False)
    page: dict[str, Any] = field(repr=False)
    storage_state: dict[str, Any] = field(repr=False)
    session_storage: dict[str, dict[str, str]] = field(repr=False)
    opened: list[str] = field(default_factory=list, repr=False)
    """The origins the automation had opened itself (`webgraph.bindings`)."""

    def as_json(self) -> dict[str, Any]:
        """The checkpoint as JSON; a secret."""
        return asdict(self)

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Checkpoint:
        """The checkpoint that `as_json` wrote."""
        return cls(**facts)


async def capture(
    page: Page,
    context: BrowserContext,
    *,
    position: int,
    stage: str,
    state: dict[str, Any],
    seen: dict[str, dict[str, str]],
) -> Checkpoint:
    """The checkpoint of a finished stage.

    `seen` is the session storage of each origin that was shown at an earlier stage's end, and is brought up to date:
    only that of what the page shows now can be read. Raises TimeoutError or Playwright's error where the browser does
    not answer.
    """
    async with asyncio.timeout(_CAPTURE_SECONDS):
        mark, stores = await look_at(page)
        storage_state: dict[str, Any] = dict(await context.storage_state())
    seen |= stores
    return Checkpoint(
        position=position,
        stage=stage,
        state=state,
        url=page.url,
        page=mark,
        storage_state=storage_state,
        session_storage=dict(seen),
    )


async def reopen(page: Page, url: str, session_storage: Mapping[str, Any], *, timeout_seconds: float) -> None:
    """Open the address a stage ended at, with the session storage in place before the page's own scripts run."""
    script = f"({_RESTORE_SESSION})({json.dumps(session_storage)})"
    async with await page.add_init_script(script):
        await page.goto(url, timeout=timeout_seconds * 1000)


async def what_differs(page: Page, mark: Mapping[str, Any]) -> str:
    """Why the page is not the one that was marked, after it had a moment to build itself; empty when it is."""
    until = monotonic() + _SETTLE_SECONDS
    while True:
        now, _ = await look_at(page)
        found = difference(mark, now)
        if not found or monotonic() >= until:
            return found
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)
