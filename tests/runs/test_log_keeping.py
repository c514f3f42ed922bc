"""What becomes of an attempt whose log cannot be kept: it ends for its own reason, and what is missing is said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import OperationalError

from automations.services import registry
from automations.services.credentials import set_credential
from runs import attempt_log, execution
from runs.evidence_writer import EvidenceWriter
from runs.states import AttemptState, RunState
from tests.support import sample
from tests.support.hand import make_hand
from webgraph.browser.host import BrowserHost
from webgraph.errors import AttemptStopped
from webgraph.flow import Automation, stage
from webgraph.outcome import AttemptResult, Outcome
from webgraph.recorder import ArtifactKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from runs.models import Run
    from webgraph.page import Page

pytestmark = pytest.mark.django_db
NO_RENDERING = "A part of the log could not be rendered: KeyError."


class NeedsShop(Automation):
    """Needs a credential: without it an attempt fails before there is any browser."""

    key = "sample"
    credentials = ("shop",)
    max_attempts = 1

    class Params(sample.Sample.Params):
        """As the sample's."""

    @stage(effect="read")
    async def look(self, page: Page) -> None:
        """Look."""


@pytest.fixture
def carry_out(monkeypatch: pytest.MonkeyPatch) -> Callable[[], tuple[str, Run]]:
    """Carry out one attempt on a worker process without a browser; the word it ended with, and its run."""

    def once() -> tuple[str, Run]:
        version = sample.install(monkeypatch, NeedsShop)
        monkeypatch.setattr(execution, "definitions", registry.definitions)
        run = sample.ask()
        word = make_hand(version, BrowserHost("/nowhere")).carry_out(run)
        run.refresh_from_db()
        return word, run

    return once


def broken(error: Exception) -> Callable[..., Any]:
    """A function that raises it."""

    def breaks(*_: object, **__: object) -> None:
        raise error

    return breaks


def test_an_attempt_that_fails_before_its_browser_keeps_its_log(carry_out) -> None:
    word, run = carry_out()

    assert (word, run.state, run.failure_kind) == ("failed", RunState.FAILED, "auth")
    assert run.artifacts.get(kind=ArtifactKind.LOG).blob is not None


def test_a_log_that_cannot_be_rendered_is_a_gap_and_the_attempt_fails_for_its_own_reason(
    carry_out, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt_log, "_redacted", broken(KeyError("a defect")))

    word, run = carry_out()

    assert (word, run.state, run.failure_kind) == ("failed", RunState.FAILED, "auth")
    assert run.artifacts.get(kind=ArtifactKind.LOG).missing_reason == NO_RENDERING


def test_a_log_that_cannot_be_rendered_takes_no_success_away(
    carry_out, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_credential(name="shop", fields={"password": "s3cret-word"}, actor="command")
    monkeypatch.setattr(execution, "run_attempt", lambda *_, **__: AttemptResult(outcome=Outcome.SUCCEEDED))
    monkeypatch.setattr(attempt_log, "_redacted", broken(KeyError("a defect")))

    word, run = carry_out()

    assert (word, run.state) == ("succeeded", RunState.SUCCEEDED)
    assert run.artifacts.get(kind=ArtifactKind.LOG).missing_reason == NO_RENDERING


def test_an_attempt_fails_for_its_own_reason_when_its_log_cannot_be_stored_either(
    carry_out, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EvidenceWriter, "flush", broken(RuntimeError("the very fault that ended it")))

    word, run = carry_out()

    assert (word, run.state, run.failure_kind) == ("failed", RunState.FAILED, "auth")
    assert run.attempts.get().failure_kind == "auth"


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (OperationalError("the database is away"), "dropped"),
        (AttemptStopped("lease_lost", "another has it"), "moved_on"),
    ],
)
def test_an_attempt_that_lost_its_claim_or_database_meanwhile_writes_no_end(
    error: Exception, word: str, carry_out, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EvidenceWriter, "flush", broken(error))

    said, run = carry_out()

    assert said == word
    assert run.attempts.get().state == AttemptState.RUNNING  # the reaper's, or the other's, to end
