"""What must be true after an act, and that an act in vain is told from one that worked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from webgraph.conditions import appears, downloads, requested
from webgraph.errors import FailureKind
from webgraph.evidence.camera import Camera
from webgraph.flow import Automation, stage
from webgraph.recorder import ArtifactKind, EvidenceLevel
from webgraph.target import Target

if TYPE_CHECKING:
    from tests.webgraph.conftest import Tried
    from tests.webgraph.local_pages import LocalPages
    from webgraph.page import Page

pytestmark = pytest.mark.browser


def test_a_click_in_vain_fails_although_its_condition_was_true_before(attempt: Tried, pages: LocalPages):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/form"))
        await page.click(Target(css="#nothing"), then=appears(Target(css="#send")))

    failure = attempt(job).failure

    assert failure is not None
    assert (failure.kind, "did nothing" in failure.message) == (FailureKind.WRONG_PAGE, True)
    assert attempt.memory.outcomes[-1].changed is False


def test_the_outcome_says_whether_a_click_did_anything(attempt: Tried, pages: LocalPages):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/form"))
        await page.click(Target(css="#nothing"))
        await page.click(Target(css="#send"))
        await page.text(Target(css="#said"))

    assert attempt(job).failure is None
    assert [step.changed for step in attempt.memory.outcomes] == [None, False, True, None]


@pytest.mark.parametrize(
    ("path", "target", "condition"),
    [
        ("/asks", "#ask", requested("/inside?asked", method="POST")),
        ("/parts", "#file", downloads("people")),
    ],
    ids=["request", "download"],
)
def test_what_an_act_sets_off_is_waited_for(attempt: Tried, pages: LocalPages, path, target, condition):
    async def job(page: Page) -> None:
        await page.goto(pages.url(path))
        await page.click(Target(css=target), then=condition)

    assert attempt(job).failure is None


def test_a_request_that_is_not_made_is_missed(attempt: Tried, pages: LocalPages):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/asks"))
        await page.click(Target(css="#ask"), then=requested("/elsewhere"), timeout_seconds=0.5)

    failure = attempt(job).failure

    assert failure is not None
    assert "a request to /elsewhere is made" in failure.message


def test_a_page_that_asks_before_it_is_left_is_left(attempt: Tried, pages: LocalPages):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/stays"))
        await page.click(Target(css="#leave"))
        await page.goto(pages.url("/empty"))

    assert attempt(job).failure is None


class TwoWays(Automation):
    """Looks for a word where it was, else where it may be."""

    key = "two-ways"

    @stage(effect="read", instead="search")
    async def look_up(self, page: Page) -> None:
        await page.goto(self.site)
        await page.click(Target(css="#nowhere"), timeout_seconds=0.2)

    async def search(self, page: Page) -> None:
        await page.click(Target(css="#nothing"))

    site = ""


def test_a_stage_whose_target_is_gone_is_reached_the_other_way_its_author_names(
    attempt: Tried, pages: LocalPages, monkeypatch
):
    monkeypatch.setattr(TwoWays, "site", pages.url("/form"))

    result = attempt(automation=TwoWays)

    assert result.failure is None
    assert [step.succeeded for step in attempt.memory.outcomes] == [True, False, True]
    assert [end.succeeded for end in attempt.memory.stage_ends] == [True]


def test_a_stage_that_commits_has_no_other_way():
    class Pays(Automation):
        key = "pays"

        @stage(effect="commit", instead="again")
        async def pay(self, page: Page) -> None: ...

        async def again(self, page: Page) -> None: ...

    assert Pays.problems() == ["Stage 'pay' commits; it cannot be done over by 'again'."]


def test_the_full_level_keeps_the_page_before_each_act_its_tree_and_what_was_sent(
    attempt: Tried, pages: LocalPages
):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/sends"))
        await page.click(Target(css="#send"), then=requested("/inside"))
        await page.goto(pages.url("/empty"))  # the request before it is over then, one way or the other

    attempt(job, evidence=EvidenceLevel.FULL, secrets={"shop": {"password": "s3cret/word"}})

    memory = attempt.memory
    assert [item.step_index for item in memory.of(ArtifactKind.STEP_BEFORE)] == [1, 2, 3]
    assert [item.step_index for item in memory.of(ArtifactKind.STEP_AXTREE)] == [1, 2, 3]
    assert b'button "Send"' in memory.of(ArtifactKind.STEP_AXTREE)[1].body
    log = memory.of(ArtifactKind.REQUEST_LOG)[0].body
    assert (b"name=Ada" in log, b"s3cret" in log) == (True, False)


def test_a_step_that_only_looked_gives_the_same_picture_again(attempt: Tried, pages: LocalPages, monkeypatch):
    taken: list[object] = []
    take = Camera.jpeg

    async def counted(camera: Camera, surface: object) -> bytes:
        taken.append(surface)
        return await take(camera, surface)  # type: ignore[arg-type]  # what the keeper passes

    async def job(page: Page) -> None:
        await page.goto(pages.url("/form"))
        await page.text(Target(css="h1"))
        await page.count(Target(css="button"))

    monkeypatch.setattr(Camera, "jpeg", counted)
    attempt(job)

    assert len(attempt.memory.of(ArtifactKind.STEP_PICTURE)) == 3
    assert len(taken) == 1
