"""The document a window shows, as text, however long the page made it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playwright.async_api import Error as PlaywrightError

from webgraph.quiet import command

if TYPE_CHECKING:
    from webgraph.surface import Surface

_WORLD = "webgraph"
_MOST_TRIES = 5
# What is said when the page went on to another document between two questions.
_GONE = ("Cannot find context", "No frame for given id", "context was destroyed")
# As Playwright's own `content` has it, which knows no end.
_HTML = """most => {
  const type = document.doctype ? new XMLSerializer().serializeToString(document.doctype) : '';
  const html = type + (document.documentElement?.outerHTML ?? '');
  return [html.slice(0, most), html.length];
}"""


async def html_of(surface: Surface, most_characters: int) -> tuple[str, int]:
    """The document as it is now, cut where it is longer, and how long it is.

    Asked for in a world of its own, where the page's scripts have changed nothing; PlaywrightError when the page went on
    to another document each time.
    """
    for _ in range(_MOST_TRIES - 1):
        try:
            return await _asked(surface, most_characters)
        except PlaywrightError as error:
            if not any(words in str(error) for words in _GONE):
                raise
    return await _asked(surface, most_characters)


async def _asked(surface: Surface, most_characters: int) -> tuple[str, int]:
    tree = await _command(surface, "Page.getFrameTree")
    frame = {"frameId": tree["frameTree"]["frame"]["id"], "worldName": _WORLD}
    world = await _command(surface, "Page.createIsolatedWorld", frame)
    asked = {
        "expression": f"({_HTML})({most_characters:d})",
        "contextId": world["executionContextId"],
        "returnByValue": True,
    }
    answer = await _command(surface, "Runtime.evaluate", asked)
    if "value" not in answer["result"]:
        raise PlaywrightError(answer["exceptionDetails"]["text"])
    html, length = answer["result"]["value"]
    return html, length


async def _command(surface: Surface, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
    return await command(surface.page, surface.session, method, params)
