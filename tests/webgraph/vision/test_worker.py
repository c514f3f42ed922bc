"""The vision tier in an attempt: what it may do, what it costs, and what is no success."""

from __future__ import annotations

import base64
import io
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from webgraph.bindings import MisplacedSecretError
from webgraph.conditions import appears, reads
from webgraph.errors import FailureKind
from webgraph.fingerprint import key_of
from webgraph.flow import Automation, stage
from webgraph.recorder import Tier
from webgraph.target import Target
from webgraph.vision.settings import VisionSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.webgraph.conftest import Tried
    from tests.webgraph.local_pages import LocalPages
    from tests.webgraph.vision.model_server import ModelServer
    from webgraph.page import Page
    from webgraph.runner import AttemptResult

pytestmark = [pytest.mark.browser, pytest.mark.timeout(90)]

# The painted button of the page in thousandths of 1280 by 800, and a place where nothing is.
BUTTON = [63, 79, 125, 234]
NOWHERE = [700, 700, 750, 800]
SECRET_FIELD = [352, 8, 374, 100]
BLUE = Target(description="the blue button")
SAID = Target(css="#said")


@pytest.fixture
def by_sight(attempt: Tried, gemini: VisionSettings) -> Callable[..., AttemptResult]:
    """Tries an automation with the local model; its process takes a second or two to start."""
    return partial(attempt, vision=gemini, step_timeout_seconds=15.0)


def clicks_blue(pages: LocalPages, **given: Any) -> Any:
    async def job(page: Page) -> None:
        await page.goto(pages.url("/painted"))
        await page.click(BLUE, **given)

    return job


def test_what_only_a_picture_shows_is_clicked_where_the_model_saw_it(
    by_sight: Callable[..., AttemptResult], attempt: Tried, pages: LocalPages, model: ModelServer
):
    model.sees((BUTTON, "", 0.9), tokens=640)

    result = by_sight(clicks_blue(pages, then=reads(SAID, "clicked")))

    assert result.failure is None
    step = attempt.memory.outcomes[-1]
    assert (step.tier, step.changed) == (Tier.VISION, True)
    assert (result.vision_steps, result.model_tokens) == (1, 640)
    (decision,) = step.decisions
    assert (decision["provider"], decision["model_tokens"]) == ("gemini", 640)
    assert decision["candidates"][0]["summary"] == "“” at 200, 75"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "changed nothing that can be seen"),
        ({"then": appears(Target(css="#secret"))}, "was so before it"),
    ],
    ids=["no condition", "a condition that was true before"],
)
def test_a_click_where_nothing_is_is_no_success(
    by_sight: Callable[..., AttemptResult],
    attempt: Tried,
    pages: LocalPages,
    model: ModelServer,
    given,
    words,
):
    model.sees((NOWHERE, "", 0.99))

    failure = by_sight(clicks_blue(pages, **given)).failure

    assert failure is not None
    assert failure.kind is FailureKind.WRONG_PAGE
    assert words in failure.message
    assert attempt.memory.outcomes[-1].changed is False


def test_a_click_that_shows_needs_no_condition(
    by_sight: Callable[..., AttemptResult], attempt: Tried, pages: LocalPages, model: ModelServer
):
    model.sees((BUTTON, "", 0.9))

    assert by_sight(clicks_blue(pages)).failure is None


class TwoWays(Automation):
    """Clicks by sight twice; its other way takes the keyboard."""

    key = "two-ways"
    vision_steps = 1
    url = ""

    @stage(effect="idempotent", instead="without_sight")
    async def work(self, page: Page) -> None:
        await page.goto(self.url)
        await page.click(BLUE)
        await page.click(BLUE)

    async def without_sight(self, page: Page) -> None:
        await page.fill(Target(css="#secret"), "plan B")


@pytest.mark.parametrize(
    "given", [{}, {"vision_steps": 9, "model_tokens": 700}], ids=["vision steps", "model tokens"]
)
def test_at_the_end_of_what_sight_may_cost_the_other_way_is_taken_and_recorded(
    by_sight: Callable[..., AttemptResult],
    attempt: Tried,
    pages: LocalPages,
    model: ModelServer,
    monkeypatch,
    given,
):
    model.sees((BUTTON, "", 0.9), tokens=700)
    monkeypatch.setattr(TwoWays, "url", pages.url("/painted"))

    result = by_sight(automation=TwoWays, **given)

    assert result.failure is None
    *_, spent, planned = attempt.memory.outcomes
    assert (spent.failure_kind, spent.decisions[-1]["reason"]) == (FailureKind.TARGET_NOT_FOUND, "budget")
    assert "what the attempt may spend on sight is spent" in spent.message
    assert planned.decisions[0] == {
        "recovery": "without_sight instead of work", "found": True, "reason": spent.message
    }  # fmt: skip


def test_a_model_that_asks_to_wait_is_asked_again_within_the_steps_time(
    by_sight: Callable[..., AttemptResult], attempt: Tried, pages: LocalPages, model: ModelServer
):
    model.refuses(429, Retry_After="1")
    model.sees((BUTTON, "", 0.9))

    assert by_sight(clicks_blue(pages)).failure is None
    assert len(model.asked) == 2


def test_a_model_that_asks_to_wait_too_long_counts_as_not_found_and_the_decision_says_why(
    by_sight: Callable[..., AttemptResult], attempt: Tried, pages: LocalPages, model: ModelServer
):
    model.refuses(429, Retry_After="600")

    failure = by_sight(clicks_blue(pages)).failure

    assert failure is not None
    assert failure.kind is FailureKind.TARGET_NOT_FOUND
    assert "sight is not available" in failure.message
    decision = attempt.memory.outcomes[-1].decisions[-1]
    assert decision["reason"] == "unavailable"
    assert decision["why"] == "The model asks to come back in 600 seconds (429)."


def test_what_other_tiers_saw_counts_more_than_that_nobody_could_look(attempt: Tried, pages: LocalPages):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/parts"))
        await page.click(Target(css=".twice", description="the second"), timeout_seconds=2)

    failure = attempt(job, vision=VisionSettings(providers=())).failure

    assert failure is not None
    assert failure.kind is FailureKind.TARGET_AMBIGUOUS


def test_a_place_needs_no_provider(attempt: Tried, pages: LocalPages):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/painted"))
        await page.click(Target(position=(200 / 1280, 75 / 800)), then=reads(SAID, "clicked"))

    assert attempt(job, vision=VisionSettings(providers=())).failure is None


def test_a_place_near_a_text_is_clicked_only_where_that_text_is_seen(
    by_sight: Callable[..., AttemptResult], attempt: Tried, pages: LocalPages, model: ModelServer
):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/painted"))
        await page.click(Target(position=(200 / 1280, 75 / 800), near="Total"), timeout_seconds=8)

    model.sees(([63, 250, 125, 300], "Total", 0.9))
    assert by_sight(job).failure is None
    model.replies.clear()
    model.sees()
    assert by_sight(job).failure is not None


@pytest.mark.parametrize(
    ("known", "kind"),
    [
        ({"role": "button", "name": "Delete"}, FailureKind.TARGET_NOT_FOUND),
        ({"tag": "h1"}, FailureKind.WRONG_PAGE),
    ],
    ids=["another control", "the same, which does nothing"],
)
def test_where_the_document_shows_another_control_than_before_sight_abstains(
    attempt: Tried, pages: LocalPages, known, kind
):
    title = Target(position=(30 / 1280, 35 / 800))

    async def job(page: Page) -> None:
        await page.goto(pages.url("/form"))
        await page.click(title)

    result = attempt(
        job,
        vision=VisionSettings(providers=()),
        fingerprints={key_of("job", "work", title): known},
        step_timeout_seconds=9,
    )

    assert result.failure is not None
    assert result.failure.kind is kind


@pytest.mark.parametrize("is_bound", [False, True])
def test_a_secret_is_typed_by_sight_into_a_field_and_black_in_every_later_picture(
    by_sight: Callable[..., AttemptResult], pages: LocalPages, model: ModelServer, is_bound: bool
):
    class Types(Automation):
        key = "types"
        credentials = ("door",)

        @stage(effect="read")
        async def work(self, page: Page) -> None:
            await page.goto(pages.url("/painted"))
            await page.fill(Target(description="the field"), self.credential("door")["word"])
            await page.click(BLUE)
            await page.expect(Target(css="#echo"), text="open-sesame")

    model.sees((SECRET_FIELD, "", 0.9))
    model.sees((BUTTON, "", 0.9))

    origins = {"door": [pages.url("")]} if is_bound else {}
    result = by_sight(automation=Types, secrets={"door": {"word": "open-sesame"}}, origins=origins)

    assert result.failure is None
    first, later = (asked["contents"][0]["parts"][0]["inlineData"]["data"] for asked in model.asked)
    assert (blackness(first), blackness(later) > 0.005) == (0, True)


def test_a_secret_is_not_typed_by_sight_at_an_origin_it_is_not_bound_to(
    by_sight: Callable[..., AttemptResult], pages: LocalPages, model: ModelServer
):
    class Types(Automation):
        key = "types"
        credentials = ("door",)

        @stage(effect="read")
        async def work(self, page: Page) -> None:
            await page.goto(pages.url("/painted"))
            with pytest.raises(MisplacedSecretError):
                await page.fill(Target(description="the field"), self.credential("door")["word"])
            assert await page.text(Target(css="#secret")) == ""

    model.sees((SECRET_FIELD, "", 0.9))
    origins = {"door": ["https://shop.example"]}

    assert (
        by_sight(automation=Types, secrets={"door": {"word": "open-sesame"}}, origins=origins).failure is None
    )


def test_canary_canvas_is_black_in_what_a_model_is_sent_once_a_secret_was_typed(
    by_sight: Callable[..., AttemptResult], pages: LocalPages, model: ModelServer
):
    class Types(Automation):
        key = "types"
        credentials = ("door",)

        @stage(effect="read")
        async def work(self, page: Page) -> None:
            await page.goto(pages.url("/painted"))
            assert await page.is_visible(BLUE)
            await page.fill(Target(css="#secret"), self.credential("door")["word"])
            await page.is_visible(BLUE)

    model.sees((BUTTON, "", 0.9))
    by_sight(automation=Types, secrets={"door": {"word": "open-sesame"}})

    first, later = (asked["contents"][0]["parts"][0]["inlineData"]["data"] for asked in model.asked)
    assert (blackness(first), blackness(later) > 0.07) == (0, True)


def test_canary_in_what_is_looked_for_is_told_to_no_model(
    by_sight: Callable[..., AttemptResult], pages: LocalPages, model: ModelServer
):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/painted"))
        await page.click(Target(description="the button open-sesame"), timeout_seconds=1)

    model.sees((BUTTON, "", 0.9))
    result = by_sight(job, secrets={"door": {"word": "open-sesame"}})

    assert (result.failure is not None, model.asked) == (True, [])


def test_a_secret_is_not_typed_into_paint(
    by_sight: Callable[..., AttemptResult], attempt: Tried, pages: LocalPages, model: ModelServer
):
    class Types(Automation):
        key = "types"
        credentials = ("door",)

        @stage(effect="read")
        async def work(self, page: Page) -> None:
            await page.goto(pages.url("/painted"))
            await page.fill(BLUE, self.credential("door")["word"])

    model.sees((BUTTON, "", 0.9))

    failure = by_sight(automation=Types, secrets={"door": {"word": "open-sesame"}}).failure

    assert failure is not None
    assert "only into a field of the document" in failure.message


def blackness(picture: str) -> float:
    """Which share of a picture that was sent is plainly black."""
    image = Image.open(io.BytesIO(base64.urlsafe_b64decode(picture))).convert("L")
    return image.histogram()[0] / (image.width * image.height)


def test_a_control_found_by_sight_alone_is_proposed_for_the_cheapest_tier(
    by_sight: Callable[..., AttemptResult], attempt: Tried, pages: LocalPages, model: ModelServer
):
    gone = Target(css="#renamed-since", description="the button that pays")

    async def job(page: Page) -> None:
        await page.goto(pages.url("/placed"))
        await page.click(gone, then=reads(SAID, "clicked"))

    model.sees((BUTTON, "", 0.9))
    assert by_sight(job).failure is None
    heal = attempt.memory.outcomes[-1].heal
    assert heal is not None
    assert heal.new["css"][0] == "#pay"

    assert by_sight(job, overrides={heal.key: heal.new}).failure is None
    assert (attempt.memory.outcomes[-1].tier, len(model.asked)) == (Tier.DOM, 1)


def test_what_is_only_painted_is_proposed_no_selector_for(
    by_sight: Callable[..., AttemptResult], attempt: Tried, pages: LocalPages, model: ModelServer
):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/painted"))
        await page.click(Target(css="#renamed-since", description="the blue button"))

    model.sees((BUTTON, "", 0.9))

    assert by_sight(job).failure is None
    assert attempt.memory.outcomes[-1].heal is None
