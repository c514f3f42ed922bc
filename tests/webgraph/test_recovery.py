"""What stands in the way of a step is put aside as declared, and nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel

from webgraph.conditions import appears, reads, url_is
from webgraph.flow import Automation, stage
from webgraph.practice_site.accounts import DEMO_PASSWORD, DEMO_USERNAME
from webgraph.recovery import MODAL_DIALOG, NewWindow, Recovery, SignInAgain
from webgraph.target import Target

if TYPE_CHECKING:
    from tests.support.site import PracticeSite
    from tests.webgraph.conftest import Tried
    from tests.webgraph.local_pages import LocalPages
    from webgraph.page import Page

pytestmark = pytest.mark.browser

BANNER = Recovery("cookies", sign=Target(css="#banner"), click=Target(role="button", name="Accept"))


class BehindABanner(Automation):
    key = "behind-a-banner"
    recoveries = (BANNER,)
    site = ""

    @stage(effect="read")
    async def work(self, page: Page) -> None:
        await page.goto(self.site)
        await page.click(Target(css="#send"), then=reads(Target(css="#said"), "sent"))


@pytest.mark.parametrize("path", ["/banner", "/late-banner"])
def test_a_banner_over_the_page_is_put_aside_and_recorded(
    attempt: Tried, pages: LocalPages, monkeypatch, path
):
    monkeypatch.setattr(BehindABanner, "site", pages.url(path))

    assert attempt(automation=BehindABanner).failure is None
    assert {"recovery": "cookies", "found": True, "reason": ""} in attempt.memory.outcomes[-1].decisions


def test_a_banner_nobody_declared_stays(attempt: Tried, pages: LocalPages):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/banner"))
        await page.click(Target(css="#send"), timeout_seconds=1)

    failure = attempt(job).failure

    assert failure is not None
    assert "covered" in failure.message


class SignedOutMidway(Automation):
    """Signs in, loses its session, and reads on as if nothing had happened."""

    key = "signed-out-midway"
    credentials = ("shop",)
    recoveries = (SignInAgain(sign=Target(css="#sign-in-form"), stage="sign_in"),)
    site = ""

    class State(BaseModel):
        times: int = 0

    @stage(effect="idempotent")
    async def sign_in(self, page: Page) -> None:
        await page.goto(f"{self.site}/sign-in")
        await page.fill(Target(css="#username"), self.credential("shop")["username"])
        await page.fill(Target(css="#password"), self.credential("shop")["password"])
        await page.click(Target(css="#sign-in"), then=appears(Target(css="#sign-out")))

    @stage(effect="read")
    async def read(self, page: Page) -> None:
        self.state.times += 1
        switch = "?fault=expired_session" if self._first() else ""
        await page.goto(f"{self.site}/invoices{switch}")
        await page.click(Target(css="#next-page"), timeout_seconds=2)

    def _first(self) -> bool:
        seen, type(self).seen = type(self).seen, True
        return not seen

    seen = False


def test_a_session_that_ends_midway_is_opened_again_and_the_stage_starts_over(
    attempt: Tried, practice_site: PracticeSite, monkeypatch
):
    monkeypatch.setattr(SignedOutMidway, "site", practice_site.url)
    monkeypatch.setattr(SignedOutMidway, "seen", False)

    result = attempt(
        automation=SignedOutMidway,
        allowed=(practice_site.host_and_port,),
        secrets={"shop": {"username": DEMO_USERNAME, "password": DEMO_PASSWORD}},
    )

    assert result.failure is None
    assert [end.state for end in attempt.memory.stage_ends] == [{"times": 0}, {"times": 1}]
    assert [step.action for step in attempt.memory.intents].count("fill") == 4
    again = attempt.memory.outcomes[-6].decisions[0]
    assert (again["recovery"], again["found"]) == ("sign_in, to be signed in again", True)


class UnderADialog(Automation):
    key = "under-a-dialog"
    recoveries = (MODAL_DIALOG,)
    site = ""

    @stage(effect="read")
    async def work(self, page: Page) -> None:
        await page.goto(f"{self.site}/modal")
        await page.fill(Target(css="#name"), "typed in the dialog")
        await page.click(Target(css="#send"), then=reads(Target(css="#said"), "sent"))


def test_a_modal_dialog_is_closed_once_the_step_needs_what_lies_under_it(
    attempt: Tried, pages: LocalPages, monkeypatch
):
    monkeypatch.setattr(UnderADialog, "site", pages.url(""))

    assert attempt(automation=UnderADialog).failure is None
    _, typed, clicked = (
        [item.get("recovery") for item in step.decisions] for step in attempt.memory.outcomes
    )
    assert "modal dialog" not in typed
    assert clicked[0] == "modal dialog"


class ToAnotherTab(Automation):
    key = "to-another-tab"
    site = ""

    @stage(effect="read")
    async def work(self, page: Page) -> None:
        await page.goto(f"{self.site}/new-tab")
        async with page._surface.page.context.expect_page():
            await page.click(Target(css="#go"))
        await page.wait_for(url_is(self.ends_at))

    ends_at = ""


@pytest.mark.parametrize(
    ("declared", "ends_at", "words"),
    [
        ((), "/new-tab", "left open"),
        ((NewWindow(),), "/new-tab", "closed"),
        ((NewWindow(follow=True),), "/inside", "gone there instead"),
    ],
)
def test_a_window_nobody_asked_for_is_recorded_and_dealt_with_as_declared(
    attempt: Tried, pages: LocalPages, monkeypatch, declared, ends_at, words
):
    for name, value in {"site": pages.url(""), "ends_at": ends_at, "recoveries": declared}.items():
        monkeypatch.setattr(ToAnotherTab, name, value)

    assert attempt(automation=ToAnotherTab).failure is None
    reasons = [
        item["reason"] for step in attempt.memory.outcomes for item in step.decisions if "recovery" in item
    ]
    assert reasons == [f"{words}: {pages.url('/inside')}"]


def test_a_page_that_asks_to_stay_is_left_and_that_is_recorded(attempt: Tried, pages: LocalPages):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/stays"))
        await page.click(Target(css="#leave"))  # a page may ask only once it was used
        await page.goto(pages.url("/inside"))

    assert attempt(job).failure is None
    assert attempt.memory.outcomes[-1].decisions == (
        {"recovery": "beforeunload dialog", "found": True, "reason": "accepted"},
    )
