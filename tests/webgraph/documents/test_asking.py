"""A document asks a person, names what a commit does once, and says whether another attempt may go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.webgraph.documents.conftest import flow
from webgraph.recorder import Happened, Question, StageStart, Undecided
from webgraph.runner import Outcome

if TYPE_CHECKING:
    from tests.webgraph.conftest import Tried
    from tests.webgraph.local_pages import LocalPages
    from webgraph.flow import Automation

pytestmark = pytest.mark.browser
DOCUMENT = """key: order
params:
  url: {type: url}
  number: {}
options: {resume: RESUME}
stages:
  - name: look
    effect: read
    steps:
      - goto: "{{ params.url }}"
  - name: confirm
    effect: idempotent
    steps:
      - ask: "Which code was sent for {{ params.number }}?"
        answer: {code: {type: secret}, who: {default: nobody}}
        into: sent
        on_timeout: auth
      - {fill: {css: "#secret"}, with: "{{ answer.sent.code }}"}
  - name: send
    effect: commit
    effect_key: "{{ params.number }}"
    steps:
      - {click: {css: h1}}
result:
  who: {value: "{{ state.sent.who }}"}
"""
ANSWER = {"confirm-1": {"code": "246810", "who": "Ada"}}


@pytest.fixture
def order() -> type[Automation]:
    return flow(DOCUMENT.replace("RESUME", "true"))


def test_a_document_asks_and_goes_on_with_the_answer(
    attempt: Tried, pages: LocalPages, order: type[Automation]
):
    params = {"url": pages.url("/reflect"), "number": "A-7"}

    parked = attempt(automation=order, params=params)
    assert isinstance(parked.parked, Question)
    assert parked.parked.prompt == "Which code was sent for A-7?"
    left = attempt.memory.stage_ends[-1].checkpoint
    result = attempt(automation=order, params=params, resume_from=left, answers=ANSWER)

    assert result.outcome is Outcome.SUCCEEDED, result.failure
    assert result.result == {"who": "Ada"}
    assert [stage.name for stage in attempt.memory.stages].count("look") == 1
    assert not any(b"246810" in file.body for file in attempt.memory.files)


def test_a_document_names_what_its_commit_does_once(
    attempt: Tried, pages: LocalPages, order: type[Automation]
):
    def known(stage: StageStart) -> Happened | None:
        return (
            Happened(where="in run 6", state={"sent": {"who": "Ada"}}) if stage.effect_key == "A-7" else None
        )

    attempt.memory.answer_stage = known

    result = attempt(automation=order, params={"url": pages.url("/reflect"), "number": "A-7"}, answers=ANSWER)

    assert result.outcome is Outcome.SUCCEEDED, result.failure
    assert "click" not in [step.action for step in attempt.memory.intents]


def test_while_another_run_s_commit_is_undecided_a_document_parks(
    attempt: Tried, pages: LocalPages, order: type[Automation]
):
    attempt.memory.answer_stage = lambda stage: Undecided(where="in run 6") if stage.effect_key else None

    result = attempt(automation=order, params={"url": pages.url("/reflect"), "number": "A-7"}, answers=ANSWER)

    assert result.outcome is Outcome.PARKED


def test_a_document_that_must_not_be_resumed_leaves_no_checkpoint(attempt: Tried, pages: LocalPages):
    whole = flow(DOCUMENT.replace("RESUME", "false"))

    attempt(automation=whole, params={"url": pages.url("/reflect"), "number": "A-7"}, answers=ANSWER)

    assert [end.checkpoint for end in attempt.memory.stage_ends] == [None] * len(attempt.memory.stage_ends)
