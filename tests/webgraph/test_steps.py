"""What each kind of step does on a real page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from webgraph.conditions import appears, disappears, reads, url_is
from webgraph.errors import AttemptStopped, FailureKind
from webgraph.files import FileContent
from webgraph.recorder import ArtifactKind
from webgraph.target import Target

if TYPE_CHECKING:
    from tests.webgraph.conftest import Tried
    from tests.webgraph.local_pages import LocalPages
    from webgraph.page import Page
    from webgraph.recorder import StepIntent

pytestmark = pytest.mark.browser

SAID = Target(css="#said")


def test_a_form_is_filled_chosen_checked_uploaded_and_sent(attempt: Tried, pages: LocalPages):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/form"))
        await page.fill(Target(css="#name"), "Ada")
        await page.select(Target(css="#size"), "Large")
        await page.check(Target(css="#agree"))
        await page.upload(Target(css="#file"), FileContent("a.txt", b"a"))
        await page.click(Target(text="Send"), then=reads(SAID, "Ada l true 1"))

    result = attempt(job)

    assert result.failure is None
    assert [step.action for step in attempt.memory.intents] == [
        "goto", "fill", "select", "check", "upload", "click",
    ]  # fmt: skip


def test_frames_shadow_roots_tables_popups_and_downloads_are_reached(attempt: Tried, pages: LocalPages):
    seen: dict[str, Any] = {}

    async def job(page: Page) -> None:
        await page.goto(pages.url("/parts"))
        seen["frame"] = await page.text(Target(css="#word", frame="#inner"))
        seen["shadow"] = await page.text(Target(css="#deep"))
        seen["table"] = await page.extract_table(Target(css="#people"))
        seen["rows"] = await page.extract_list(Target(css="#people"), "tbody tr", {"name": "td:first-child"})
        async with page.popup(Target(css="#popup")) as popup:
            seen["popup"] = await popup.text(Target(css="#word"))
        seen["file"] = await page.download(Target(css="#file"))

    result = attempt(job)

    assert result.failure is None
    assert (seen["frame"], seen["shadow"], seen["popup"]) == ("inside", "Deep", "inside")
    assert seen["table"] == [{"Name": "Ada", "Age": "36"}, {"Name": "Bob", "Age": "41"}]
    assert seen["rows"] == [{"name": "Ada"}, {"name": "Bob"}]
    assert seen["file"].body == attempt.memory.of(ArtifactKind.DOWNLOAD)[0].body


def test_a_dialog_is_dismissed_and_kept_unless_the_automation_answers_it(attempt: Tried, pages: LocalPages):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/form"))
        await page.click(Target(css="#ask"), then=reads(SAID, "false"))
        with page.dialogs(accept=True):
            await page.click(Target(css="#ask"), then=reads(SAID, "true"))

    assert attempt(job).failure is None
    console = attempt.memory.of(ArtifactKind.CONSOLE_LOG)[0].body
    assert console.count(b"dialog.confirm") == 2
    assert b"dismissed" in console


def test_a_click_that_did_nothing_fails_when_a_condition_was_given(attempt: Tried, pages: LocalPages):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/form"))
        await page.click(Target(css="#nothing"), then=reads(SAID, "done"), timeout_seconds=0.5)

    result = attempt(job)

    assert result.failure is not None
    assert result.failure.kind is FailureKind.WRONG_PAGE
    assert "reads 'done'" in result.failure.message


@pytest.mark.parametrize(
    "condition",
    [appears(Target(css="#nowhere")), disappears(Target(css="#send")), url_is("/elsewhere")],
    ids=str,
)
def test_a_condition_that_does_not_come_true_names_itself(attempt: Tried, pages: LocalPages, condition):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/form"))
        await page.wait_for(condition, timeout_seconds=0.4)

    failure = attempt(job).failure

    assert failure is not None
    assert (failure.kind, failure.message.count(str(condition))) == (FailureKind.WRONG_PAGE, 1)


def test_a_step_waits_for_what_comes_late(attempt: Tried, pages: LocalPages):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/late"))
        assert not await page.is_visible(Target(css="#never"))
        assert await page.text(Target(css="#late")) == "now"
        assert await page.count(Target(css="b")) == 1

    assert attempt(job).failure is None


def test_a_step_whose_intent_is_refused_is_not_done(attempt: Tried, pages: LocalPages):
    def refuse_the_visit(step: StepIntent) -> None:
        if "/empty" in step.description:
            raise AttemptStopped("lease_lost")

    async def job(page: Page) -> None:
        await page.goto(pages.url("/form"))
        await page.goto(pages.url("/empty"))

    before = pages.hits["/empty"]
    attempt.memory.before_step = refuse_the_visit
    result = attempt(job)

    assert (result.outcome, result.stop_reason) == ("stopped", "lease_lost")
    assert pages.hits["/empty"] == before
