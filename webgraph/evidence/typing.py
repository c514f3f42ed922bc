"""Typing a secret so that neither a picture nor the trace can show it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, TypeVar

from playwright.async_api import Error as PlaywrightError

from webgraph.quiet import quietly

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from playwright.async_api import Page

T = TypeVar("T")

_IN_THE_TRACE = "Type a secret"

# An important declaration on the element itself goes before every sheet of the page, animations included, and a script
# that takes it away is answered before the next frame is drawn: observers run as soon as the script has ended. A page whose own
# observer takes it away at once would make the two go round for ever: it wins for a moment, and the picture's own mask
# over the field (webgraph.evidence.masking) is what is left.
HIDE_VALUE = """element => {
  let left = 0;
  const hide = () => {
    const style = element.style;
    if (style.getPropertyValue('-webkit-text-security') === 'disc'
        && style.getPropertyPriority('-webkit-text-security') === 'important') return;
    if (left-- <= 0) return;
    style.setProperty('-webkit-text-security', 'disc', 'important');
  };
  const refill = () => { left = 100; };
  refill();
  setInterval(refill, 50);
  hide();
  new MutationObserver(hide).observe(element, {attributes: true, attributeFilter: ['style']});
}"""
"""A function of the page: the field's value is drawn as dots from now on, whatever the page's scripts do about it."""


async def unrecorded(page: Page, act: Callable[[], Awaitable[T]]) -> T:
    """What the act returns, done without its arguments being written into the trace, where only a heading stands."""
    tracing = page.context.tracing
    await tracing.group(_IN_THE_TRACE)
    try:
        return await quietly(page, act)
    finally:
        # When the browser went away in the middle, the act's own error says so.
        with contextlib.suppress(PlaywrightError):
            await tracing.group_end()
