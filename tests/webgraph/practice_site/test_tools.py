"""The awkward corners work for a person with a mouse, so that a failing automation is never the site's fault."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect, sync_playwright

from webgraph.practice_site.accounts import DEMO_PASSWORD, DEMO_USERNAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser(browser_executable: str) -> Iterator[Browser]:
    """A browser without the framework around it: here the site is under test."""
    with sync_playwright() as playwright:
        flags = [] if os.geteuid() else ["--no-sandbox"]  # Chromium has no sandbox for root
        browser = playwright.chromium.launch(executable_path=browser_executable, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, visitor: httpx.Client) -> Iterator[Page]:
    """A signed-in page whose console must stay silent."""
    context = browser.new_context(base_url=str(visitor.base_url))
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    page.goto("/sign-in?next=/tools")
    page.get_by_label("E-mail address").fill(DEMO_USERNAME)
    page.get_by_label("Password").fill(DEMO_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Accept all").click()
    yield page
    context.close()
    assert complaints == []


def test_the_cookie_banner_stays_away_once_answered(page: Page):
    page.goto("/invoices")

    expect(page.get_by_role("region", name="Cookies")).to_have_count(0)


@pytest.mark.parametrize("layout", ["normal_layout", "rotated_layout"])
def test_shadow_root_and_iframe_answer_on_both_layouts(page: Page, layout: str):
    page.goto(f"/tools?fault={layout}")

    page.get_by_label("Note").fill("call Ada")
    page.get_by_role("button", name="Save note").click()
    expect(page.get_by_text("Saved: call Ada")).to_be_visible()

    converter = page.frame_locator("iframe[title='Currency converter']")
    converter.get_by_label("Amount").fill("250")
    converter.get_by_role("button", name="Convert").click()
    expect(converter.get_by_text("250.00 USD = 230.00 EUR")).to_be_visible()


def test_the_popup_closes_and_tells_the_page_that_opened_it(page: Page):
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Open label").click()
    opened.value.get_by_role("button", name="Confirm label").click()

    expect(page.get_by_text("Label confirmed.")).to_be_visible()


def test_the_painted_buttons_approve_only_after_both_clicks(page: Page, visitor: httpx.Client):
    page.goto("/tools/payouts")
    panel = page.get_by_role("img", name="Payout panel")

    panel.click(position={"x": 150, "y": 232})
    assert visitor.get("/_truth").json()["approvals"] == 0
    with page.expect_response(re.compile("/tools/payouts/approve")):
        panel.click(position={"x": 150, "y": 232})

    assert visitor.get("/_truth").json()["approvals"] == 1
