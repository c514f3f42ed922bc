"""What stands in the way of a step is put aside as declared, and nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel

from webgraph.conditions import appears, reads
from webgraph.flow import Automation, stage
from webgraph.practice_site.accounts import DEMO_PASSWORD, DEMO_USERNAME
from webgraph.recovery import Recovery, SignInAgain
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
