"""What a signed-in browser holds: taken out of one, and put into another.

Cookies, local storage, IndexedDB, and the session storage of the origins shown. Playwright turns a Blob or a CryptoKey in
IndexedDB into a plain object without a word, so every value is looked at where it lives before it is taken.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error as PlaywrightError

from webgraph.page_mark import look_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from playwright.async_api import BrowserContext, Page

_CAPTURE_SECONDS = 10.0
_LEAST_SECRET = 8
_NOTHING: Mapping[str, Any] = {"cookies": [], "origins": []}
_RESTORE_SESSION = """stores => {
  const items = stores[location.origin] || {};
  for (const key of Object.keys(items)) sessionStorage.setItem(key, items[key]);
}"""
# What is copied faithfully. Everything else is named by its constructor, such as Blob, File, CryptoKey or Map.
_UNSAFE_VALUES = """async () => {
  const done = request => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const foreign = value => {
    if (value === null || ['string', 'boolean'].includes(typeof value)) return '';
    if (typeof value === 'number') return Number.isFinite(value) ? '' : 'number that is not finite';
    if (typeof value !== 'object') return typeof value;
    if (Array.isArray(value)) return value.map(foreign).find(Boolean) || '';
    if (value instanceof Date) return '';
    const kind = Object.prototype.toString.call(value).slice(8, -1);
    if (kind !== 'Object') return kind;
    return Object.values(value).map(foreign).find(Boolean) || '';
  };
  for (const {name} of await indexedDB.databases()) {
    const database = await done(indexedDB.open(name));
    try {
      for (const store of database.objectStoreNames) {
        const rows = database.transaction(store).objectStore(store);
        const [keys, values] = await Promise.all([done(rows.getAllKeys()), done(rows.getAll())]);
        const kind = [...keys, ...values].map(foreign).find(Boolean);
        if (kind) return `${name}/${store} holds a ${kind}`;
      }
    } finally { database.close(); }
  }
  return '';
}"""


class NotCacheableError(Exception):
    """A browser's state cannot be kept whole; the message says why, as a sentence."""


async def take(page: Page, context: BrowserContext) -> dict[str, Any]:
    """What a signed-in browser holds, as JSON: a secret. NotCacheableError when it cannot be had whole."""
    try:
        async with asyncio.timeout(_CAPTURE_SECONDS):
            storage_state: dict[str, Any] = dict(await context.storage_state(indexed_db=True))
            for item in storage_state["origins"]:
                if item.get("indexedDB"):
                    await _check_values(context, item["origin"])
            _, stores = await look_at(page)
    except (PlaywrightError, TimeoutError) as error:
        msg = f"The browser did not tell what it holds: {str(error) or 'it took too long'}"
        raise NotCacheableError(msg) from error
    return {"storage_state": storage_state, "session_storage": stores}


async def put(context: BrowserContext, page: Page, state: Mapping[str, Any] | None) -> None:
    """Give an open browser context a kept state in place of its own; None leaves it as a new one."""
    wanted: Any = state["storage_state"] if state is not None else _NOTHING
    await context.set_storage_state(wanted)
    await page.evaluate("() => { try { sessionStorage.clear() } catch { /* an empty page has none */ } }")


def session_script(state: Mapping[str, Any]) -> str:
    """A script that fills in an origin's session storage before the page's own scripts run."""
    return f"({_RESTORE_SESSION})({json.dumps(state['session_storage'])})"


def secrets_of(state: Mapping[str, Any]) -> Iterator[str]:
    """The values that show that somebody is signed in: those of cookies that no page may read."""
    for cookie in state["storage_state"]["cookies"]:
        if cookie.get("httpOnly") and len(cookie["value"]) >= _LEAST_SECRET:
            yield cookie["value"]


async def _check_values(context: BrowserContext, origin: str) -> None:
    shown = [frame for page in context.pages for frame in page.frames if frame.url.startswith(f"{origin}/")]
    if not shown:
        msg = f"IndexedDB of {origin} holds something, and no page of it is open to look whether it can be kept."
        raise NotCacheableError(msg)
    found = await shown[0].evaluate(_UNSAFE_VALUES)
    if found:
        msg = f"IndexedDB of {origin} cannot be kept: {found}."
        raise NotCacheableError(msg)
