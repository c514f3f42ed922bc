"""The accessibility tier: what a person would call the same control is found, and nothing is guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from webgraph.conditions import reads
from webgraph.errors import FailureKind
from webgraph.fingerprint import key_of
from webgraph.recorder import Tier
from webgraph.target import Target

if TYPE_CHECKING:
    from tests.webgraph.conftest import Tried
    from tests.webgraph.local_pages import LocalPages
    from webgraph.page import Page

pytestmark = pytest.mark.browser

SEND = Target(css="#send", role="button", name="Send")


@pytest.mark.parametrize(
    ("path", "target", "words"),
    [
        ("/parts", Target(role="button", name="Deep"), "Deep"),
        ("/parts", Target(role="link", name="popup"), "Popup"),
        ("/form", Target(role="button", name="Send"), "Send"),
        ("/twins", Target(role="button", name="Edit", landmark="Second"), "Edit"),
        ("/twins", Target(role="button", name="Edit", ordinal=2), "Edit"),
        ("/framed", Target(role="button", name="Inner"), "Inner"),
        ("/framed", Target(role="button", name="Inner", frame="#frame"), "Inner"),
    ],
    ids=("shadow", "link", "button", "landmark", "ordinal", "frames", "one frame"),
)
def test_things_are_found_by_role_and_name_through_frames_and_shadow_roots(
    attempt: Tried, pages: LocalPages, path, target, words
):
    async def job(page: Page) -> None:
        await page.goto(pages.url(path))
        assert await page.text(target) == words
        await page.click(target)

    assert attempt(job).failure is None
    assert {step.tier for step in attempt.memory.outcomes[1:]} == {Tier.AXTREE}


def test_a_field_is_filled_by_its_label(attempt: Tried, pages: LocalPages):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/form"))
        await page.fill(Target(label="Name"), "Ada")
        await page.click(Target(role="button", name="Send"), then=reads(Target(css="#said"), "Ada"))

    assert attempt(job).failure is None


def test_of_several_that_fit_equally_none_is_taken(attempt: Tried, pages: LocalPages):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/twins"))
        await page.click(Target(role="button", name="Edit"), timeout_seconds=1)

    failure = attempt(job).failure

    assert failure is not None
    assert failure.kind is FailureKind.TARGET_AMBIGUOUS


def test_a_control_that_took_over_the_selector_is_not_clicked(attempt: Tried, pages: LocalPages):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/form"))
        await page.click(SEND)

    async def again(page: Page) -> None:
        await page.goto(pages.url("/form-with-another-send"))
        await page.click(SEND, then=reads(Target(css="#said"), "sent"))

    attempt(job)
    step = attempt.memory.outcomes[-1]
    assert step.fingerprint is not None
    assert step.fingerprint_key == key_of("job", "work", SEND)
    result = attempt(again, fingerprints={step.fingerprint_key: step.fingerprint})

    assert result.failure is None
    assert [item["reason"] for item in attempt.memory.outcomes[-1].decisions[:2]] == ["mismatch", ""]
    assert attempt.memory.outcomes[-1].tier is Tier.AXTREE


@pytest.mark.parametrize(
    ("css", "path", "path_again"),
    [("#second-edit", "/twins", "/one-twin"), ("#save", "/saves", "/one-save")],
    ids=("to the letter", "but for the dots"),
)
def test_a_control_that_is_gone_is_not_replaced_by_one_of_the_same_name(
    attempt: Tried, pages: LocalPages, css, path, path_again
):
    target = Target(css=css)

    async def job(page: Page) -> None:
        await page.goto(pages.url(path))
        await page.click(target)

    async def again(page: Page) -> None:
        await page.goto(pages.url(path_again))
        await page.click(target)

    attempt(job)
    step = attempt.memory.outcomes[-1]
    assert step.fingerprint is not None
    failure = attempt(again, fingerprints={step.fingerprint_key: step.fingerprint}).failure

    assert failure is not None
    assert failure.kind is FailureKind.TARGET_NOT_FOUND


def test_a_control_of_another_name_is_not_the_same_while_the_old_name_is_there(
    attempt: Tried, pages: LocalPages
):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/sign-out"))
        await page.click(Target(css="#out"))

    async def again(page: Page) -> None:
        await page.goto(pages.url("/sign-out-and-log-out"))
        await page.click(Target(css="#out"))

    attempt(job)
    step = attempt.memory.outcomes[-1]
    assert step.fingerprint is not None
    result = attempt(again, fingerprints={step.fingerprint_key: step.fingerprint})

    assert result.failure is None
    assert attempt.memory.outcomes[-1].tier is Tier.AXTREE


def test_a_namesake_that_slid_to_where_the_control_stood_is_not_taken_for_it(
    attempt: Tried, pages: LocalPages
):
    target = Target(css="#notebook", role="button", name="Python")

    async def job(page: Page) -> None:
        await page.goto(pages.url("/kernels"))
        await page.click(target)

    async def again(page: Page) -> None:
        await page.goto(pages.url("/kernels-one-moved"))
        await page.click(target)

    attempt(job)
    step = attempt.memory.outcomes[-1]
    assert step.fingerprint is not None
    failure = attempt(again, fingerprints={step.fingerprint_key: step.fingerprint}).failure

    assert failure is not None
    assert failure.kind is FailureKind.TARGET_AMBIGUOUS


def test_the_dots_of_a_list_are_no_text_beside_a_control(attempt: Tried, pages: LocalPages):
    target = Target(css="#orders", role="link", name="orders")

    async def job(page: Page) -> None:
        await page.goto(pages.url("/tables"))
        await page.click(target)

    async def again(page: Page) -> None:
        await page.goto(pages.url("/tables-renamed"))
        await page.click(target)

    attempt(job)
    step = attempt.memory.outcomes[-1]
    assert step.fingerprint is not None
    result = attempt(again, fingerprints={step.fingerprint_key: step.fingerprint})

    assert result.failure is None
    assert attempt.memory.outcomes[-1].tier is Tier.AXTREE
