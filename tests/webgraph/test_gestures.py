"""Steps beyond the click: double click, hover, scroll, and a field that is a list to choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from webgraph.conditions import reads
from webgraph.errors import FailureKind
from webgraph.target import Target

if TYPE_CHECKING:
    from tests.webgraph.conftest import Tried
    from tests.webgraph.local_pages import LocalPages
    from webgraph.page import Page

pytestmark = pytest.mark.browser
SAID = Target(css="#said")


def test_the_page_notices_each_gesture(attempt: Tried, pages: LocalPages):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/gestures"))
        await page.double_click(Target(css="#twice"), then=reads(SAID, "twice"))
        await page.hover(Target(css="#menu"), then=reads(SAID, "over"))
        await page.scroll(Target(css="#box"), y=300, then=reads(SAID, "box 300"))
        await page.scroll(y=900, then=reads(SAID, "page 900"))

    assert attempt(job).failure is None
    described = [step.description for step in attempt.memory.intents]
    assert described[1:] == [
        "Double-click #twice",
        "Point at #menu",
        "Scroll #box to 0, 300",
        "Scroll the page to 0, 900",
    ]


def test_filling_a_list_to_choose_from_chooses_the_option(attempt: Tried, pages: LocalPages):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/gestures"))
        await page.fill(Target(css="#size"), "Large", then=reads(Target(css="#size"), "l"))

    assert attempt(job).failure is None


def test_filling_what_takes_no_text_fails(attempt: Tried, pages: LocalPages):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/gestures"))
        await page.fill(Target(css="#twice"), "Large")

    failure = attempt(job, step_timeout_seconds=1.0).failure

    assert failure is not None
    assert failure.kind is FailureKind.BUG
    assert "Element is not an <input>" in failure.message
