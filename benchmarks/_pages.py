"""Pages to change: the practice site as it is now, and the saved pages of real applications."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from webgraph.practice_site.accounts import DEMO_PASSWORD, DEMO_USERNAME

if TYPE_CHECKING:
    from playwright.async_api import Page

_SAVED = Path(__file__).parents[1] / "tests" / "webgraph" / "pages"
_PRACTICE = ("/sign-in", "/dashboard", "/invoices", "/invoices/new", "/tools")
# As the saved pages: what is not seen and what would run is taken out, so that a copy stays as it is.
_FREEZE = """() => {
  for (const element of document.querySelectorAll('script, link, style, template, iframe')) element.remove();
  const hidden = [...document.body.querySelectorAll('*')].filter(item =>
    !item.checkVisibility({visibilityProperty: true}) && !['OPTION', 'DATALIST'].includes(item.tagName));
  for (const element of hidden) element.remove();
  return '<!doctype html>' + document.documentElement.outerHTML;
}"""


def saved() -> dict[str, str]:
    """The saved pages, name to HTML."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(_SAVED.glob("*.html"))}


async def practice(page: Page, site_url: str) -> dict[str, str]:
    """The pages of the practice site, name to HTML; the browser is signed in afterwards."""
    found: dict[str, str] = {}
    for path in _PRACTICE:
        await page.goto(f"{site_url}{path}")
        if path == "/sign-in":
            found["practice-sign-in"] = await page.evaluate(_FREEZE)
            await page.goto(f"{site_url}{path}")
            await page.fill("#username", DEMO_USERNAME)
            await page.fill("#password", DEMO_PASSWORD)
            await page.click("#sign-in")
            continue
        found[f"practice{path.replace('/', '-')}"] = await page.evaluate(_FREEZE)
    return found
