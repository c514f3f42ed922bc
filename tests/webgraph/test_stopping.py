"""However an attempt is stopped: evidence first, and nothing of it is left running."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from tests.support.waiting import wait_until
from webgraph.browser import processes
from webgraph.browser.own import OwnBrowsers
from webgraph.errors import AttemptStopped, FailureKind
from webgraph.recorder import ArtifactKind
from webgraph.target import Target

if TYPE_CHECKING:
    from tests.webgraph.conftest import Tried
    from tests.webgraph.local_pages import LocalPages
    from webgraph.browser.host import BrowserHost
    from webgraph.escalation import Finder
    from webgraph.page import Page
    from webgraph.recorder import StepIntent
    from webgraph.surface import Surface

pytestmark = pytest.mark.browser


class TaskTimeoutError(BaseException):
    """Stands for what a task queue raises in the working thread."""


@pytest.fixture
def waits_for_ever(pages: LocalPages):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/form"))
        await page.click(Target(css="#nowhere"), timeout_seconds=60)

    return job


def test_a_stop_in_the_middle_of_a_step_keeps_evidence_and_leaves_no_context(
    attempt: Tried, own_host: BrowserHost, waits_for_ever
):
    def cancel_once_it_was_seen() -> str | None:
        return "cancelled" if attempt.memory.of(ArtifactKind.STEP_PICTURE) else None

    result = attempt(waits_for_ever, host=own_host, on_beat=cancel_once_it_was_seen, beat_seconds=0.1)

    memory = attempt.memory
    assert (result.outcome, result.stop_reason) == ("stopped", "cancelled")
    assert memory.outcomes[-1].failure_kind is FailureKind.CANCELLED
    assert memory.of(ArtifactKind.FAILURE_PICTURE)
    assert memory.of(ArtifactKind.TRACE)
    assert [end.succeeded for end in memory.stage_ends] == [False]
    assert _open_contexts(own_host) == 0


class _AfterASecond:
    """A condition that holds a second after it is asked for."""

    is_asked = False

    async def wait(self, surface: Surface, finder: Finder, timeout_seconds: float) -> None:
        del surface, finder, timeout_seconds
        self.is_asked = True
        await asyncio.sleep(1.0)


def test_an_act_under_way_ends_before_a_cancelled_attempt_does(attempt: Tried, pages: LocalPages):
    judged = _AfterASecond()

    async def job(page: Page) -> None:
        await page.goto(pages.url("/form"))
        await page.click(Target(css="#send"), then=judged)
        await page.goto(pages.url("/empty"))

    def cancel_while_it_is_judged() -> str | None:
        return "cancelled" if judged.is_asked else None

    result = attempt(job, on_beat=cancel_while_it_is_judged, beat_seconds=0.05)

    assert (result.outcome, result.stop_reason) == ("stopped", "cancelled")
    assert [outcome.succeeded for outcome in attempt.memory.outcomes] == [True, True]


def test_the_deadline_ends_an_attempt_without_anybodys_help(attempt: Tried, waits_for_ever):
    result = attempt(waits_for_ever, deadline_seconds=1.5)

    assert (result.outcome, result.stop_reason) == ("stopped", "deadline")
    assert result.failure is not None
    assert (result.failure.kind, result.failure.permanent) == (FailureKind.TIMEOUT, False)


def test_what_is_raised_in_the_working_thread_closes_the_context_and_goes_on(
    attempt: Tried, own_host: BrowserHost, waits_for_ever
):
    def time_is_up() -> None:
        raise TaskTimeoutError

    with pytest.raises(TaskTimeoutError):
        attempt(waits_for_ever, host=own_host, on_beat=time_is_up, beat_seconds=0.5)

    assert _open_contexts(own_host) == 0


def test_what_the_recorder_raises_is_raised_after_the_context_was_closed(
    attempt: Tried, own_host: BrowserHost, waits_for_ever
):
    def refuse(step: StepIntent) -> None:
        raise LookupError("no such attempt")

    attempt.memory.before_step = refuse

    with pytest.raises(LookupError, match="no such attempt"):
        attempt(waits_for_ever, host=own_host)

    assert _open_contexts(own_host) == 0


def test_an_automation_that_swallows_the_stop_makes_no_further_step(attempt: Tried, pages: LocalPages):
    async def job(page: Page) -> None:
        try:
            await page.goto(pages.url("/form"))
        except AttemptStopped:
            await page.goto(pages.url("/empty"))

    def stop(step: StepIntent) -> None:
        raise AttemptStopped("lease_lost")

    attempt.memory.before_step = stop
    result = attempt(job)

    assert result.stop_reason == "lease_lost"
    assert len(attempt.memory.intents) == 1


def test_an_automation_that_blocks_the_loop_is_given_up_with_its_browser(
    attempt: Tried, own_host: BrowserHost, pages: LocalPages
):
    released = threading.Event()

    async def blocks(page: Page) -> None:
        await page.goto(pages.url("/form"))
        released.wait(30)

    async def works(page: Page) -> None:
        await page.goto(pages.url("/form"))

    folder = own_host.folder

    result = attempt(
        blocks,
        host=own_host,
        on_beat=lambda: "cancelled" if attempt.memory.outcomes else None,
        beat_seconds=0.1,
        stop_seconds=0.5,
    )

    assert (result.outcome, result.stop_reason) == ("stopped", "cancelled")
    assert processes.owned_by(folder) == []
    assert attempt(works, host=own_host).failure is None
    released.set()
    wait_until(lambda: all(folder.name not in thread.name for thread in threading.enumerate()))


def _open_contexts(host: BrowserHost) -> int:
    async def count() -> int:
        assert isinstance(host._usual, OwnBrowsers)
        warm = host._usual._warm
        return len(warm.browser.contexts) if warm else 0

    return host.submit(count()).result(5)
