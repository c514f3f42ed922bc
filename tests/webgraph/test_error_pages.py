"""A server's error page in the place of the page a step was meant for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from webgraph.conditions import appears
from webgraph.errors import FailureKind
from webgraph.target import Target

if TYPE_CHECKING:
    from tests.webgraph.conftest import Tried
    from tests.webgraph.local_pages import LocalPages
    from webgraph.page import Page

pytestmark = pytest.mark.browser
GO = Target(css="#go", called="the link")
NOWHERE = Target(css="#nowhere", called="what the next page should show")
ERROR = Target(css="body", called="the error page")


@pytest.mark.parametrize("then", [None, appears(NOWHERE)], ids=["without a condition", "with one"])
def test_a_click_that_leads_to_a_503_is_a_failed_navigation(attempt: Tried, pages: LocalPages, then):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/leads-to-503"))
        await page.click(GO, then=then)

    failure = attempt(job).failure

    assert failure is not None
    assert (failure.kind, failure.permanent, failure.step_index) == (FailureKind.NAVIGATION, False, 2)
    assert failure.retry_after_seconds == 7.0


def test_a_click_that_was_meant_to_lead_to_an_error_page_succeeds(attempt: Tried, pages: LocalPages):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/leads-to-503"))
        await page.click(GO, then=appears(ERROR))

    assert attempt(job).failure is None


def test_what_is_missing_on_an_error_page_is_a_failed_navigation(attempt: Tried, pages: LocalPages):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/status/503"), any_status=True)
        await page.text(NOWHERE, timeout_seconds=0.2)

    failure = attempt(job).failure

    assert failure is not None
    assert failure.kind is FailureKind.NAVIGATION


def test_what_is_missing_on_a_page_after_an_error_page_is_missing(attempt: Tried, pages: LocalPages):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/status/503"), any_status=True)
        await page.goto(pages.url("/empty"))
        await page.text(NOWHERE, timeout_seconds=0.2)

    failure = attempt(job).failure

    assert failure is not None
    assert failure.kind is FailureKind.TARGET_NOT_FOUND
