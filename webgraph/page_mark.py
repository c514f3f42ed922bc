"""A mark of what a page shows, to tell later whether a restored page is the one that was left.

Compared are what a person would compare: where the page is (without its query, which may hold what changes), its
headings and dialogs, and what its fields hold. Fields count because a form that was filled in and not sent is lost
with its page: the address and the headings of an empty form are those of a filled one. Ids, classes and the rest of
the text are left out, as they differ between two visits of the same page. The mark holds digests of the fields'
values, never the values.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from playwright.async_api import Error as PlaywrightError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playwright.async_api import Frame, Page

SAME_HEADINGS = 0.75
"""The share of headings two marks must have in common: a new notice may come, another page may not."""
_DIGITS = re.compile(r"\d+")
_LOOK = """() => {
  const roots = [document], heads = [], fields = [];
  const shown = element => element.checkVisibility({visibilityProperty: true});
  const words = text => (text || '').replace(/\\s+/g, ' ').trim().slice(0, 80);
  for (let at = 0; at < roots.length; at++) {
    for (const element of roots[at].querySelectorAll('*')) {
      if (element.shadowRoot) roots.push(element.shadowRoot);
      if (element.matches('h1, h2, legend, [role=heading]') && shown(element)) heads.push(words(element.innerText));
      if (element.matches('dialog[open], [role=dialog], [role=alertdialog]') && shown(element))
        heads.push('dialog ' + words(element.getAttribute('aria-label') || element.innerText.slice(0, 40)));
      if (!element.matches('input, textarea, select, [contenteditable=true]')) continue;
      if (['hidden', 'submit', 'button', 'image', 'reset'].includes(element.type)) continue;
      const name = element.name || element.id || element.getAttribute('aria-label') || '';
      const choice = element.type === 'checkbox' || element.type === 'radio';
      const value = choice ? (element.checked ? 'on' : '') : element.type === 'file' ? (element.files.length || '')
        : element.isContentEditable ? element.innerText : element.value;
      fields.push([choice ? name + '=' + element.value : name, String(value)]);
    }
  }
  const session = {};
  try {
    for (let at = 0; at < sessionStorage.length; at++) {
      const key = sessionStorage.key(at);
      session[key] = sessionStorage.getItem(key);
    }
  } catch { /* a sandboxed frame has none */ }
  return {heads, fields, session, origin: location.origin};
}"""


async def look_at(page: Page) -> tuple[dict[str, Any], dict[str, dict[str, str]]]:
    """The page's mark, and the session storage of each origin it shows."""
    seen = [item for item in await asyncio.gather(*map(_frame, page.frames)) if item is not None]
    fields: dict[str, str] = {}
    stores: dict[str, dict[str, str]] = {}
    for place, facts in seen:
        for number, (name, value) in enumerate(facts["fields"]):
            if value:
                fields[f"{place} {name or number}"] = hashlib.sha256(value.encode()).hexdigest()[:16]
        if facts["session"]:
            stores[facts["origin"]] = facts["session"]
    heads = seen[0][1]["heads"] if seen else []
    mark = {
        "place": place_of(page.url),
        "headings": sorted({_DIGITS.sub("0", words) for words in heads if words}),
        "fields": fields,
    }
    return mark, stores


def place_of(url: str) -> str:
    """Where an address leads: without query, and without a fragment that is no route of a single-page application."""
    parts = urlsplit(url)
    route = f"#{parts.fragment}" if parts.fragment.startswith(("/", "!")) else ""
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}{route}"


def difference(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Why a page is not the one that was left, as a sentence without its full stop; empty when it is."""
    if then["place"] != now["place"]:
        return f"the browser came to {now['place']} instead of {then['place']}"
    lost = [name for name, digest in then["fields"].items() if now["fields"].get(name) != digest]
    if lost:
        return f"what stood in the field “{lost[0].partition(' ')[2]}” is gone"
    before, after = set(then["headings"]), set(now["headings"])
    if before | after and len(before & after) / len(before | after) < SAME_HEADINGS:
        return "the page shows other headings than before"
    return ""


async def _frame(frame: Frame) -> tuple[str, dict[str, Any]] | None:
    """Where a frame is and what it holds; None when it goes away meanwhile, unless it is the page itself."""
    try:
        facts: dict[str, Any] = await frame.evaluate(_LOOK)
    except PlaywrightError:
        if frame.parent_frame is None:
            raise
        return None
    return urlsplit(frame.url).path, facts
