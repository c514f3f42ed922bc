"""A stage asks a person: the attempt ends until somebody answers, or the browser is held meanwhile."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel, Field, SecretStr

from webgraph.errors import FailureKind
from webgraph.flow import Automation, stage
from webgraph.recorder import Question
from webgraph.runner import Outcome
from webgraph.target import Target

if TYPE_CHECKING:
    from tests.webgraph.conftest import Tried
    from tests.webgraph.local_pages import LocalPages
    from webgraph.page import Page

pytestmark = pytest.mark.browser


class Code(BaseModel):
    """A one-time code."""

    code: SecretStr = Field(min_length=6)


@pytest.fixture
def asks(pages: LocalPages) -> type[Automation]:
    class Asks(Automation):
        key = "asks"
        hold = False
        seconds = 60.0

        @stage(effect="read")
        async def open_page(self, page: Page) -> None:
            await page.goto(pages.url("/reflect"))

        @stage(effect="idempotent")
        async def confirm(self, page: Page) -> None:
            answer = await page.ask(
                "Which code did the shop send?",
                schema=Code,
                timeout=timedelta(seconds=self.seconds),
                hold=self.hold,
                on_timeout=FailureKind.AUTH,
            )
            await page.fill(Target(css="#secret"), answer.code.get_secret_value())

    return Asks


def test_a_question_ends_the_attempt_and_its_answer_lets_another_go_on(
    attempt: Tried, asks: type[Automation]
):
    parked = attempt(automation=asks)

    assert parked.outcome is Outcome.PARKED
    assert isinstance(parked.parked, Question)
    assert (parked.parked.key, parked.parked.on_timeout) == ("confirm-1", FailureKind.AUTH)
    left = attempt.memory.stage_ends[-1].checkpoint

    result = attempt(automation=asks, resume_from=left, answers={"confirm-1": {"code": "246810"}})

    assert result.outcome is Outcome.SUCCEEDED, result.failure
    assert attempt.memory.intents[-1].description.endswith("with “•••”")
    assert not any(b"246810" in file.body for file in attempt.memory.files)


def test_an_answer_that_does_not_fit_is_asked_for_again_with_the_reason(
    attempt: Tried, asks: type[Automation]
):
    result = attempt(automation=asks, answers={"confirm-1": {"code": "1"}})

    assert isinstance(result.parked, Question)
    assert "at least 6" in result.parked.problem


def test_a_held_question_keeps_the_browser_until_it_is_answered(attempt: Tried, asks: type[Automation]):
    attempt.memory.answers = [None, {"code": "246810"}]

    result = attempt(automation=type("Holds", (asks,), {"hold": True}))

    assert result.outcome is Outcome.SUCCEEDED, result.failure
    assert len(attempt.memory.questions) == 2
    assert not any(b"246810" in file.body for file in attempt.memory.files)


def test_a_held_question_nobody_answers_fails_as_declared(attempt: Tried, asks: type[Automation]):
    result = attempt(automation=type("Holds", (asks,), {"hold": True, "seconds": 1.0}))

    assert result.failure is not None
    assert (result.failure.kind, result.failure.permanent) == (FailureKind.AUTH, True)


def test_a_commit_stage_cannot_end_to_ask(attempt: Tried):
    class Asks(Automation):
        key = "asks"

        @stage(effect="commit")
        async def pay(self, page: Page) -> None:
            await page.ask("Really?", schema=Code)

    result = attempt(automation=Asks)

    assert result.failure is not None
    assert "ask in a stage before it" in result.failure.message
