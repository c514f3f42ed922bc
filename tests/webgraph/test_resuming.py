"""Another attempt goes on after the last finished stage, in a browser that shows the same page, or starts over."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from webgraph.checkpoint import Checkpoint
from webgraph.errors import FailureKind, NavigationError
from webgraph.flow import Automation, stage
from webgraph.recorder import Happened, StageStart, Undecided
from webgraph.runner import Outcome
from webgraph.target import Target

if TYPE_CHECKING:
    from tests.webgraph.conftest import Tried
    from tests.webgraph.local_pages import LocalPages
    from webgraph.page import Page

pytestmark = pytest.mark.browser

KEPT = Target(css="#kept")
REMEMBER = "() => { document.cookie = 'a=b'; localStorage.word = 'long'; sessionStorage.word = 'short'; }"


class Job(Automation):
    """Remembers something, orders something, and reads what it remembers."""

    key = "job"
    pages: LocalPages
    ran: list[str]
    breaks = False

    class State(BaseModel):
        """What was ordered."""

        order: str = ""

    class Result(BaseModel):
        """What the page still knew."""

        kept: str
        order: str

    @stage(effect="read")
    async def remember(self, page: Page) -> None:
        """Leave something in every store of the browser."""
        self.ran.append(f"remember{self.state.order}")
        await page.goto(self.pages.url("/remembers"))
        await page._surface.page.evaluate(REMEMBER)
        await page.goto(self.pages.url("/remembers"))

    @stage(effect="commit", effect_key=lambda _params: "order-7")
    async def order(self, page: Page) -> None:
        """Order."""
        self.ran.append("order")
        self.state.order = "7"

    @stage(effect="read")
    async def read(self, page: Page) -> dict[str, Any]:
        """Read what is left, unless it breaks."""
        self.ran.append("read")
        if self.breaks:
            msg = "not now"
            raise NavigationError(msg)
        return {"kept": await page.text(KEPT), "order": self.state.order}


@pytest.fixture
def job(pages: LocalPages) -> type[Job]:
    return type("Job", (Job,), {"pages": pages, "ran": []})


@pytest.fixture
def left(attempt: Tried, job: type[Job]) -> Checkpoint:
    """What an attempt that broke off in its last stage left behind."""
    broken = type("Broken", (job,), {"breaks": True})
    assert attempt(automation=broken).outcome is Outcome.FAILED
    job.ran.clear()
    checkpoint = attempt.memory.stage_ends[-2].checkpoint
    assert checkpoint is not None
    return Checkpoint.from_json(checkpoint.as_json())


def test_an_attempt_goes_on_with_state_cookies_storage_and_page(
    attempt: Tried, job: type[Job], left: Checkpoint
):
    result = attempt(automation=job, resume_from=left)

    assert result.result == {"kept": "a=b long short", "order": "7"}
    assert job.ran == ["read"]
    assert [(item.position, item.refusal) for item in attempt.memory.resumptions] == [(2, "")]


def test_an_attempt_starts_over_in_a_clean_browser_when_the_page_is_another_one(
    attempt: Tried, job: type[Job], left: Checkpoint
):
    changed = replace(left, page={**left.page, "headings": ["Something else"]})

    result = attempt(automation=job, resume_from=changed)

    assert result.outcome is Outcome.SUCCEEDED, result.failure
    assert job.ran == ["remember", "order", "read"]
    assert "shows other headings" in attempt.memory.resumptions[-1].refusal


@pytest.mark.parametrize("key", ["order 4711", "order •••"])
def test_a_commit_whose_key_holds_a_secret_is_not_begun(attempt: Tried, key: str):
    class Buys(Automation):
        key = "buys"
        credentials = ("shop",)

        @stage(effect="commit", effect_key=lambda _params: key)
        async def buy(self, page: Page) -> None:
            """Buy."""

    result = attempt(automation=Buys, secrets={"shop": {"pin": "4711"}})

    assert result.failure is not None
    assert (result.failure.kind, result.failure.permanent) == (FailureKind.BUG, True)
    assert "effect_key of the stage 'buy' holds a secret" in result.failure.message
    assert attempt.memory.stages == []


def test_a_form_that_was_filled_in_and_not_sent_is_not_gone_on_with(attempt: Tried, pages: LocalPages):
    class Fills(Automation):
        key = "fills"

        @stage(effect="read")
        async def fill(self, page: Page) -> None:
            await page.goto(pages.url("/form"))
            await page.fill(Target(css="#name"), "Ada")

        @stage(effect="read")
        async def send(self, page: Page) -> None:
            await page.click(Target(css="#send"))

    attempt(automation=Fills)
    left = attempt.memory.stage_ends[0].checkpoint

    result = attempt(automation=Fills, resume_from=left)

    assert result.outcome is Outcome.SUCCEEDED
    assert "what stood in the field “name” is gone" in attempt.memory.resumptions[-1].refusal


def test_an_automation_with_other_stages_starts_over(attempt: Tried, job: type[Job], left: Checkpoint):
    attempt(automation=job, resume_from=replace(left, stage="gone"))

    assert job.ran == ["remember", "order", "read"]
    assert attempt.memory.resumptions[-1].refusal == "the stages have changed"


def test_an_automation_that_is_not_resumed_leaves_no_checkpoint(attempt: Tried, job: type[Job]):
    attempt(automation=type("Whole", (job,), {"resume": False}))

    assert [end.checkpoint for end in attempt.memory.stage_ends] == [None, None, None]


def test_a_commit_that_happened_is_left_out_and_its_page_opened(
    attempt: Tried, job: type[Job], pages: LocalPages, left: Checkpoint
):
    page = {**left.page, "place": pages.url("/empty"), "headings": []}
    state = {"order": "first"}
    happened = Happened(where="in another run", state=state, url=pages.url("/empty"), page=page)
    attempt.memory.answer_stage = lambda start: happened if start.effect_key == "order-7" else None

    result = attempt(automation=job)

    assert job.ran == ["remember", "read"]
    assert result.failure is not None  # the page that was opened is not the one that remembers
    assert result.failure.kind is FailureKind.TARGET_NOT_FOUND
    assert attempt.memory.intents[-2].description.startswith(
        "Leave out “Order”, which happened in another run"
    )


def test_an_attempt_parks_before_a_commit_nobody_knows_about(attempt: Tried, job: type[Job]):
    def undecided(start: StageStart) -> Undecided | None:
        return Undecided(where="whether it happened in run 7") if start.name == "order" else None

    attempt.memory.answer_stage = undecided

    result = attempt(automation=job)

    assert (result.outcome, result.parked) == (
        Outcome.PARKED,
        Undecided(where="whether it happened in run 7"),
    )
    assert job.ran == ["remember"]
