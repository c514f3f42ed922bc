"""A browser that went away under several attempts: none of them pays for it, and none goes on for ever."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from automations.definitions import define
from infra_shared.database import database_now
from runs.models import Attempt, Run
from runs.retry_policy import FREE_CRASHES
from runs.services import outcomes
from runs.states import AttemptState, RunState
from tests.support import sample
from webgraph.errors import FailureKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from automations.models import AutomationVersion

pytestmark = pytest.mark.django_db
LOST = outcomes.Failure(
    kind=FailureKind.BROWSER_CRASH,
    message="The browser it shared with others went away.",
    permanent=False,
    lost_with_others=True,
)
CRASHED = replace(LOST, lost_with_others=False)


@pytest.fixture
def version(monkeypatch: pytest.MonkeyPatch) -> AutomationVersion:
    return sample.install(monkeypatch)


def end_each_attempt(run: Run, version: AutomationVersion, failure: outcomes.Failure) -> Iterator[bool]:
    """Let attempt after attempt of a run end so; says of each whether it was free."""
    while run.state != RunState.FAILED:
        Attempt.objects.filter(run=run, state=AttemptState.QUEUED).update(due_at=database_now())
        claim = sample.claim_now(run, version)
        outcomes.finish_failed(claim=claim, failure=failure)
        claim.attempt.refresh_from_db()
        run.refresh_from_db()
        yield claim.attempt.free


def test_an_attempt_that_lost_a_shared_browser_does_not_count_and_the_next_begins_at_once(
    version: AutomationVersion,
) -> None:
    run, claim = sample.claimed_run(version)

    outcomes.finish_failed(claim=claim, failure=LOST)

    run.refresh_from_db()
    lost, following = run.attempts.order_by("number")
    assert (run.state, run.attempts_made) == (RunState.RETRY_WAIT, 0)
    assert (lost.failure_kind, lost.free) == ("browser_crash", True)
    assert following.due_at <= database_now()


def test_a_browser_of_its_own_that_crashes_counts(version: AutomationVersion) -> None:
    run, claim = sample.claimed_run(version)

    outcomes.finish_failed(claim=claim, failure=CRASHED)

    run.refresh_from_db()
    assert (run.state, run.attempts_made) == (RunState.RETRY_WAIT, 1)


def test_a_page_that_crashes_every_browser_ends_after_a_few_free_attempts(version: AutomationVersion) -> None:
    run = sample.ask()

    free = list(end_each_attempt(run, version, LOST))

    assert free == [True] * FREE_CRASHES + [False] * run.max_attempts
    assert run.attempts_made == run.max_attempts


def test_an_automation_that_wants_no_retry_after_a_crash_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    never = {"browser_crash": False}
    version = sample.publish(monkeypatch, define(sample.Sample), retryable=never)
    run = sample.ask()

    assert list(end_each_attempt(run, version, LOST)) == [True]
