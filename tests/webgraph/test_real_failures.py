"""What really goes wrong with sites and browsers, and what the attempt calls it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel

from config.local.processes import free_port
from webgraph.errors import FailureKind
from webgraph.failures import retry_after_seconds
from webgraph.flow import Automation, stage
from webgraph.recorder import ArtifactKind
from webgraph.target import Target

if TYPE_CHECKING:
    from tests.webgraph.conftest import Tried
    from tests.webgraph.local_pages import LocalPages
    from webgraph.browser.host import BrowserHost
    from webgraph.page import Page


@pytest.mark.browser
@pytest.mark.parametrize(
    ("path", "kind", "permanent"),
    [
        ("/status/503", FailureKind.NAVIGATION, False),
        ("/status/500", FailureKind.NAVIGATION, False),
        ("/status/429", FailureKind.RATE_LIMITED, False),
        ("/hang", FailureKind.TIMEOUT, False),
    ],
)
def test_an_answer_that_is_no_page_is_told_by_its_class(
    attempt: Tried, pages: LocalPages, path, kind, permanent
):
    async def job(page: Page) -> None:
        await page.goto(pages.url(path), timeout_seconds=1)

    failure = attempt(job).failure

    assert failure is not None
    assert (failure.kind, failure.permanent, failure.step_index) == (kind, permanent, 1)
    assert failure.retry_after_seconds == (7.0 if "status" in path else None)


@pytest.mark.browser
def test_a_status_is_the_automations_business_when_it_says_so(attempt: Tried, pages: LocalPages):
    seen = []

    async def job(page: Page) -> None:
        seen.append((await page.goto(pages.url("/status/404"))).status)
        seen.append((await page.goto(pages.url("/status/500"), any_status=True)).status)
        await page.goto(pages.url("/status/403"), ok=(200,))

    failure = attempt(job).failure

    assert seen == [404, 500]
    assert failure is not None
    assert failure.kind is FailureKind.AUTH


@pytest.mark.browser
def test_a_refused_connection_and_an_unknown_name_are_failed_navigations(attempt: Tried):
    closed = f"127.0.0.1:{free_port()}"
    addresses = [f"http://{closed}/", "http://no-such-host.invalid/"]

    async def job(page: Page) -> None:
        await page.goto(addresses.pop(0))

    failures = [attempt(job, allowed=(closed,)).failure for _ in range(2)]

    assert [item and item.kind for item in failures] == [FailureKind.NAVIGATION] * 2
    assert [item and item.message for item in failures] == [
        "The site refused the connection.",
        "The name no-such-host.invalid could not be resolved.",
    ]


@pytest.mark.browser
def test_a_browser_killed_in_a_step_is_a_crash_and_the_next_attempt_gets_a_new_one(
    attempt: Tried, pages: LocalPages, own_host: BrowserHost
):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/form"))
        await page.click(Target(css="#nowhere"), timeout_seconds=20)

    def kill_once_it_was_seen() -> None:
        if attempt.memory.of(ArtifactKind.STEP_PICTURE):
            own_host.kill_browser()

    crashed = attempt(job, host=own_host, on_beat=kill_once_it_was_seen, beat_seconds=0.2).failure

    assert crashed is not None
    assert (crashed.kind, crashed.permanent) == (FailureKind.BROWSER_CRASH, False)
    assert ArtifactKind.FAILURE_PICTURE in {gap.kind for gap in attempt.memory.gaps}

    async def again(page: Page) -> None:
        await page.goto(pages.url("/form"))

    assert attempt(again, host=own_host).failure is None


@pytest.mark.browser
def test_a_crashed_renderer_is_a_crash_and_what_is_missing_is_a_gap(attempt: Tried, pages: LocalPages):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/form"))
        await _crash(page)
        await page.text(Target(css="#send"))

    failure = attempt(job).failure

    assert failure is not None
    assert failure.kind is FailureKind.BROWSER_CRASH
    assert ArtifactKind.FAILURE_HTML in {gap.kind for gap in attempt.memory.gaps}


class Broken(Automation):
    key = "broken"

    class Params(BaseModel):
        what: str

    class Result(BaseModel):
        rows: list[int]

    @stage(effect="read")
    async def work(self, page: Page) -> object:
        if self.params.what == "bug":
            return 1 / 0
        return {"rows": ["many"]}


@pytest.mark.browser
@pytest.mark.parametrize(
    ("params", "kind", "words"),
    [
        ({}, FailureKind.BAD_PARAMS, "what: Field required"),
        ({"what": "bug"}, FailureKind.BUG, "ZeroDivisionError: division by zero (in work, "),
        ({"what": "result"}, FailureKind.BAD_RESULT, "rows.0: Input should be a valid integer"),
    ],
)
def test_what_the_automation_itself_gets_wrong_is_said_in_one_sentence(attempt: Tried, params, kind, words):
    result = attempt(automation=Broken, params=params)

    assert result.failure is not None
    assert (result.outcome, result.failure.kind, result.failure.permanent) == ("failed", kind, True)
    assert words in result.failure.message


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        ("Sun, 22 Nov 2026 12:01:30 GMT", 90.0),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header, seconds):
    now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    assert retry_after_seconds(header, now=now) == seconds


async def _crash(page: Page) -> None:
    """Crash the page's process; the order itself is never answered, the event comes."""
    async with page._surface.page.expect_event("crash"):
        order = asyncio.ensure_future(page._surface.session.send("Page.crash"))
    order.cancel()
