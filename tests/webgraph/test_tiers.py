"""How the supervisor finds things: one match or none, one way up the tiers, each decision kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from webgraph.errors import FailureKind
from webgraph.recorder import Tier
from webgraph.target import Target
from webgraph.workers.base import Insufficiency, Resolution
from webgraph.workers.dom import DomWorker
from webgraph.workers.dom_actor import DomActor

if TYPE_CHECKING:
    from tests.webgraph.conftest import Tried
    from tests.webgraph.local_pages import LocalPages
    from webgraph.page import Page
    from webgraph.workers.base import Candidate, Scope

pytestmark = pytest.mark.browser


class RoleWorker:
    """A second tier for the test: finds by role and name, or abstains."""

    tier = Tier.AXTREE

    def can_try(self, target: Target) -> bool:
        return target.has_axtree

    async def resolve(self, target: Target, scope: Scope) -> Resolution:
        found = scope.page.get_by_role("button", name=target.name, exact=True)
        if await found.count() != 1:
            return Resolution(tier=self.tier, insufficient=Insufficiency.NONE)
        return Resolution(tier=self.tier, actor=DomActor(found))

    async def matches(self, target: Target, scope: Scope) -> tuple[Candidate, ...]:
        return ()


@pytest.mark.parametrize(
    ("selector", "kind", "words"),
    [
        (".twice", FailureKind.TARGET_AMBIGUOUS, "fits several things"),
        ("#hidden", FailureKind.TARGET_NOT_FOUND, "hidden"),
        ("#off", FailureKind.TARGET_NOT_FOUND, "disabled"),
        ("#nowhere", FailureKind.TARGET_NOT_FOUND, "was not found"),
        ("#under", FailureKind.TARGET_NOT_FOUND, 'covered by <div id="cover"'),
    ],
)
def test_what_cannot_be_clicked_for_sure_is_not_clicked(
    attempt: Tried, pages: LocalPages, selector, kind, words
):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/parts"))
        await page.click(Target(css=selector), timeout_seconds=1)

    failure = attempt(job).failure

    assert failure is not None
    assert (failure.kind, failure.permanent) == (kind, True)
    assert words in failure.message
    assert not attempt.memory.outcomes[-1].succeeded


def test_a_later_selector_is_used_when_an_earlier_one_fits_nothing(attempt: Tried, pages: LocalPages):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/parts"))
        assert await page.text(Target(css=("#gone", ".twice", "#deep"))) == "Deep"

    assert attempt(job).failure is None
    candidates = attempt.memory.outcomes[-1].decisions[0]["candidates"]
    assert [item["matched_by"] for item in candidates] == ["css=.twice", "css=.twice", "css=#deep"]


def test_the_next_tier_is_asked_once_the_dom_tier_abstains(attempt: Tried, pages: LocalPages):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/parts"))
        await page.click(Target(css=".twice", role="button", name="Two"))

    result = attempt(job, workers=(DomWorker(), RoleWorker()))

    step = attempt.memory.outcomes[-1]
    assert result.failure is None
    assert step.tier is Tier.AXTREE
    assert [(item["tier"], item["reason"]) for item in step.decisions] == [
        ("dom", "several"),
        ("axtree", ""),
    ]


def test_a_tier_that_reads_nothing_of_a_target_is_not_asked(attempt: Tried, pages: LocalPages):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/parts"))
        await page.click(Target(role="button", name="Two"))
        await page.click(Target(visible_text="Two"))

    failure = attempt(job, workers=(DomWorker(), RoleWorker())).failure

    assert [item["tier"] for item in attempt.memory.outcomes[1].decisions] == ["axtree"]
    assert failure is not None
    assert "no available tier" in failure.message
