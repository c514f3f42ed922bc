"""A target that was found another way than it is written: a cheap selector for it, proved while the element is in hand.

The page itself says what could select the element: what its authors named it for (a test id, an id, a field's name),
then what people read, then where it stands. What looks generated comes last. The first candidate that selects this
element and nothing else, asked exactly as the DOM tier asks, is the one that is proposed.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Locator

from webgraph.fingerprint import SIGHT
from webgraph.quiet import quietly
from webgraph.recorder import Heal
from webgraph.vision.actor import VisionActor
from webgraph.workers.dom_actor import DomActor

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.async_api import ElementHandle, Frame, Page

    from webgraph.target import Target
    from webgraph.workers.base import Actor

_SECONDS = 2.0
_MOST_KEPT = 3
"""Selectors of the old target that stay behind the new one."""

_IS_THE_ONE = "(found, it) => found.length === 1 && found[0] === it"

# A function of the page: CSS selectors that might select just this element, the most lasting first.
_SELECTORS = """(() => {
  const TEST_IDS = ['data-testid', 'data-test-id', 'data-test', 'data-qa', 'data-cy'];
  const WORDS = ['aria-label', 'placeholder', 'title', 'alt'];
  const PLACES = 'nav, main, header, footer, aside, form, dialog, section, table, [role]';
  const ALONE = ['table', 'h1', 'form', 'main', 'select', 'textarea', 'dialog', 'iframe'];
  // Letters behind digits in a word of some length, or a long number: made by a machine, and made anew next time.
  const made = text => text.split(/[-_:. ]/).some(word => /\\d{3,}/.test(word) || (word.length > 4 && /\\d[a-z]/i.test(word)));
  const quoted = text => '"' + text.replace(/["\\\\]/g, '\\\\$&') + '"';
  const said = (element, name) => {
    const value = element.getAttribute(name) ?? '';
    return value && value.length <= 120 && !/[\\n\\r]/.test(value) ? value : '';
  };
  const byId = id => /^[A-Za-z][\\w-]*$/.test(id) ? '#' + id : `[id=${quoted(id)}]`;
  const marks = (element, isLasting) => {
    const tag = element.tagName.toLowerCase(), found = [];
    for (const name of TEST_IDS) {
      const value = said(element, name);
      if (value && made(value) !== isLasting) found.push(`[${name}=${quoted(value)}]`);
    }
    const id = said(element, 'id'), field = said(element, 'name');
    if (id && made(id) !== isLasting) found.push(byId(id));
    if (field && made(field) !== isLasting) found.push(`${tag}[name=${quoted(field)}]`);
    if (!isLasting) return found;
    for (const name of WORDS) {
      const value = said(element, name);
      if (value) found.push(`${tag}[${name}=${quoted(value)}]`);
    }
    const to = said(element, 'href');
    if (to && !/^(javascript:|data:|#$)/i.test(to) && !made(to.replace(/^#/, ''))) found.push(`a[href=${quoted(to)}]`);
    const type = said(element, 'type'), role = said(element, 'role');
    if (tag === 'input' && ['submit', 'button', 'radio', 'checkbox'].includes(type) && said(element, 'value'))
      found.push(`input[type=${quoted(type)}][value=${quoted(said(element, 'value'))}]`);
    const words = (element.innerText ?? '').replace(/\\s+/g, ' ').trim();
    if (words && words.length <= 60 && element.matches('a, button, summary, label, option, [role=button], [role=link], [role=tab], [role=menuitem]'))
      found.push(`${tag}:text-is(${quoted(words)})`);
    if (type) found.push(`${tag}[type=${quoted(type)}]`);
    if (role) found.push(`${tag}[role=${quoted(role)}]`);
    return found;
  };
  return element => {
    const tag = element.tagName.toLowerCase(), own = marks(element, true), places = [];
    for (let at = element.parentElement; at && places.length < 4; at = at.parentElement) {
      if (!at.matches(PLACES) && !at.id) continue;
      const mark = marks(at, true).find(text => !text.includes(':text-is'));
      places.push(mark ?? (['nav', 'main', 'form', 'dialog', 'table'].includes(at.tagName.toLowerCase())
        ? at.tagName.toLowerCase() : ''));
    }
    const within = places.filter(Boolean).flatMap(place => [...own, tag].map(text => `${place} ${text}`));
    return [...own, ...within, ...(ALONE.includes(tag) ? [tag] : []), ...marks(element, false)].slice(0, 24);
  };
})()"""
_LOOK = f"element => ({{selectors: ({_SELECTORS})(element), seen: ({SIGHT})(element)}})"


async def heal_of(
    target: Target, actor: Actor, page: Page, *, key: str, holds_secret: Callable[[str], bool]
) -> Heal | None:
    """How the target could be written, now that its element is found; None when nothing selects it for sure.

    Nothing of what is proposed holds a secret. A page that gives no answer in time gives no proposal.
    """
    try:
        async with asyncio.timeout(_SECONDS):
            return await _heal(target, actor, page, key, holds_secret)
    except (PlaywrightError, TimeoutError):
        return None  # the page is being replaced or hangs: the step goes on, and the next run may see more


async def _heal(
    target: Target, actor: Actor, page: Page, key: str, holds_secret: Callable[[str], bool]
) -> Heal | None:
    handle = await _handle(actor, page)
    frame = await handle.owner_frame() if handle is not None else None
    if handle is None or frame is None:
        return None
    look = await quietly(page, partial(handle.evaluate, _LOOK))
    selector = await _proved(look["selectors"], handle, frame, page, holds_secret)
    inside = await _frame_of(target, frame, page, holds_secret)
    if not selector or inside is None:
        return None
    behind = [css for css in target.css if css != selector][:_MOST_KEPT]
    new = target.model_copy(update={"css": (selector, *behind), "frame": inside or None})
    if new == target:
        return None
    return Heal(key=key, old=target.as_json(), new=new.as_json(), seen=look["seen"])


async def _handle(actor: Actor, page: Page) -> ElementHandle | None:
    if isinstance(actor, VisionActor):
        return await actor.control()
    if not isinstance(actor, DomActor):
        return None
    thing = actor.thing
    if not isinstance(thing, Locator):
        return thing
    return await quietly(page, lambda: thing.element_handle(timeout=_SECONDS * 1000))


async def _proved(
    selectors: list[str],
    handle: ElementHandle,
    frame: Frame,
    page: Page,
    holds_secret: Callable[[str], bool],
) -> str:
    """The first selector that selects the element and nothing else in its frame; empty when none does."""
    for selector in selectors:
        if holds_secret(selector):
            continue
        found = frame.locator(f"css={selector}")
        if await quietly(page, partial(found.evaluate_all, _IS_THE_ONE, handle)):
            return selector
    return ""


async def _frame_of(
    target: Target, frame: Frame, page: Page, holds_secret: Callable[[str], bool]
) -> str | None:
    """The selector of the frame the element is in, empty for the page itself; None where no selector leads to it."""
    if target.frame is not None or frame == page.main_frame:
        return target.frame or ""
    if frame.parent_frame != page.main_frame:
        return None  # a target names one frame, not a frame inside another
    element = await quietly(page, frame.frame_element)
    look = await quietly(page, partial(element.evaluate, _LOOK))
    return await _proved(look["selectors"], element, page.main_frame, page, holds_secret) or None
