"""Accessibility problems of a page, found by axe-core."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

_SOURCE = Path(__file__).with_name("axe.min.js")
_RUN = """async () => {
    const found = await axe.run(document, {resultTypes: ["violations"], iframes: false});
    return found.violations
        .filter(item => ["serious", "critical"].includes(item.impact))
        .map(item => `${item.id}: ${item.help}: ` + item.nodes.slice(0, 3).map(node => node.html.slice(0, 160)).join(" | "));
}"""


def serious_problems(page: Page) -> list[str]:
    """What axe-core calls serious or critical, each with up to three places."""
    # Evaluated by the debugger, which the page's Content-Security-Policy does not concern.
    page.evaluate(_SOURCE.read_text())
    found: list[str] = page.evaluate(_RUN)
    return found
