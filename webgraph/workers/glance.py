"""A look at the document through the debugging session: one short question, no helper script to load first.

Playwright answers for every kind of selector, but brings its own script into each new document for it, which costs
more than the look. Plain CSS needs none of that. Whatever this cannot answer for sure is left to Playwright.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error as PlaywrightError

from webgraph.quiet import command
from webgraph.workers.dom_actor import DomActor

if TYPE_CHECKING:
    from playwright.async_api import CDPSession, Locator, Page

# Open shadow roots are searched too, each for itself.
_FIND = """(css, root = document) => {
  const find = (root) => [...root.querySelectorAll(css)].concat(
    ...[...root.querySelectorAll('*')].filter(host => host.shadowRoot).map(host => find(host.shadowRoot)));
  return find(root);
}"""


@dataclass(frozen=True, slots=True)
class Glance:
    """Everything a CSS selector finds in the main frame's document."""

    page: Page
    session: CDPSession
    css: str

    async def all(self, function: str, argument: Any = None) -> Any:
        """What a function of the page makes of all matches; None when the page gives no answer."""
        return await self._evaluate(f"({function})(found, {json.dumps(argument)})")

    async def one(self, function: str, argument: Any, *, number: int, of: int) -> Any:
        """The same of one match, in a list of one; None also when there are not as many matches as before."""
        return await self._evaluate(
            f"found.length === {of} ? [({function})(found[{number}], {json.dumps(argument)})] : null"
        )

    async def _evaluate(self, expression: str) -> Any:
        script = f"(() => {{ const found = ({_FIND})({json.dumps(self.css)}); return {expression}; }})()"
        try:
            asked = {"expression": script, "returnByValue": True}
            answer = await command(self.page, self.session, "Runtime.evaluate", asked)
        except PlaywrightError:
            return None  # between two documents, or gone: who asks next is told what it is
        if "exceptionDetails" in answer:
            return None  # not plain CSS, or a document that is just being replaced
        return answer["result"].get("value")


class GlanceActor(DomActor):
    """Acts like the DOM tier's own actor, and reads without Playwright's script as long as the match is the same."""

    def __init__(self, locator: Locator, glance: Glance, *, number: int, of: int) -> None:
        super().__init__(locator)
        self._glance = glance
        self._number = number
        self._of = of

    async def _ask(self, function: str, timeout_seconds: float, argument: Any = None) -> Any:
        answer = await self._glance.one(function, argument, number=self._number, of=self._of)
        return answer[0] if answer else await super()._ask(function, timeout_seconds, argument)
