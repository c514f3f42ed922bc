"""What is found another way than written can be written anew: a selector for this very element, and for no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from webgraph.fingerprint import key_of
from webgraph.recorder import Tier
from webgraph.target import Target

if TYPE_CHECKING:
    from tests.support.site import PracticeSite
    from tests.webgraph.conftest import Tried
    from tests.webgraph.local_pages import LocalPages
    from webgraph.page import Page
    from webgraph.recorder import StepOutcome

pytestmark = pytest.mark.browser

GONE = "#renamed-since"


def last_heal(attempt: Tried) -> StepOutcome:
    return next(step for step in reversed(attempt.memory.outcomes) if step.heal is not None)


@pytest.mark.parametrize(
    ("path", "target", "css", "frame"),
    [
        ("/form", Target(css=GONE, role="button", name="Send"), "#send", None),
        ("/form", Target(css=(GONE, "button >> nth=0"), role="button", name="Send"), "#send", None),
        ("/parts", Target(css=GONE, role="button", name="Deep"), "#deep", None),
        ("/parts", Target(css=GONE, role="link", name="Popup"), "#popup", None),
        ("/framed", Target(css=GONE, role="button", name="Inner"), None, "#frame"),
        ("/twins", Target(css=GONE, role="button", name="Edit", ordinal=2), "#second-edit", None),
    ],
    ids=("another tier", "another selector", "shadow root", "link", "frame", "twin"),
)
def test_the_proposed_target_is_found_by_its_first_selector(
    attempt: Tried, pages: LocalPages, path, target, css, frame
):
    async def job(page: Page) -> None:
        await page.goto(pages.url(path))
        await page.click(target)

    assert attempt(job).failure is None
    heal = last_heal(attempt).heal
    assert heal is not None
    assert heal.key == key_of("job", "work", target)
    assert (css in (None, heal.new["css"][0]), heal.new.get("frame")) == (True, frame)
    assert attempt(job, overrides={heal.key: heal.new}).failure is None

    again = attempt.memory.outcomes[-1]
    assert (again.tier, again.heal) == (Tier.DOM, None)
    assert again.decisions[0]["override"]["css"] == heal.new["css"]


def test_a_target_found_as_written_proposes_nothing(attempt: Tried, pages: LocalPages):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/form"))
        await page.click(Target(css=("#send", GONE), role="button", name="Send"))
        await page.click(Target(role="button", name="Send"))

    assert attempt(job).failure is None
    assert [step.heal for step in attempt.memory.outcomes] == [None, None, None]


def test_names_that_a_build_makes_up_are_used_last(attempt: Tried, practice_site: PracticeSite):
    async def job(page: Page) -> None:
        await page.goto(f"{practice_site.url}/sign-in?fault=rotated_layout")
        await page.fill(Target(css="#username", role="textbox", name="E-mail address"), "anna@example.org")
        await page.click(Target(css="#sign-in", role="button", name="Sign in"))

    assert attempt(job, allowed=(practice_site.host_and_port,)).failure is None
    proposed = [step.heal.new["css"][0] for step in attempt.memory.outcomes if step.heal]
    assert len(proposed) == 2
    assert not [css for css in proposed if "#r" in css or "name=" in css], proposed


def test_a_selector_with_a_secret_in_it_is_not_proposed(attempt: Tried, pages: LocalPages):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/form"))
        await page.click(Target(css=GONE, role="button", name="Send"))

    assert attempt(job, secrets={"shop": {"token": "send"}}).failure is None
    heal = last_heal(attempt).heal
    assert heal is not None
    assert "send" not in str(heal)


def test_a_step_that_failed_proposes_nothing(attempt: Tried, pages: LocalPages):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/parts"))
        await page.click(Target(css=GONE, role="button", name="Under"), timeout_seconds=1)

    assert attempt(job).failure is not None
    assert attempt.memory.outcomes[-1].heal is None
