"""Asking for a run: the row first, once, and nothing for what cannot run."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from automations.errors import ParamsInvalidError
from infra_shared.database import database_now
from infra_shared.models import Caller
from runs.errors import (
    IdempotencyConflictError,
    InvalidRequestError,
    UnknownAutomationError,
    UnknownCustomerError,
    WrongStateError,
)
from runs.models import Attempt, Run
from runs.services.cancelling import cancel_run
from runs.services.requests import Origin, RunRequest, request_run
from runs.services.reruns import rerun
from runs.states import AttemptState, Cause, RunState
from tests.support import sample

if TYPE_CHECKING:
    from automations.models import AutomationVersion


def test_a_request_writes_the_run_and_its_first_attempt(version: AutomationVersion) -> None:
    run = sample.ask()

    attempt = run.attempts.get()
    assert (run.state, attempt.state, attempt.number) == (RunState.QUEUED, AttemptState.QUEUED, 1)
    assert run.params == {"city": "Riga", "count": 1}


def test_a_request_for_later_is_scheduled(version: AutomationVersion) -> None:
    due_at = database_now() + timedelta(hours=1)

    run = sample.ask(due_at=due_at)

    assert run.state == RunState.SCHEDULED
    assert run.attempts.get().due_at == due_at


def test_params_that_do_not_fit_name_each_field_and_write_no_row(version: AutomationVersion) -> None:
    with pytest.raises(ParamsInvalidError) as caught:
        sample.ask(params={"count": 0, "colour": "red"})

    assert {problem.field for problem in caught.value.problems} == {"city", "count", "colour"}
    assert not Run.objects.exists()


def test_params_are_checked_by_the_stored_schema_where_the_code_is_missing(
    version: AutomationVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("automations.services.params.code_for", lambda _version: None)

    with pytest.raises(ParamsInvalidError) as caught:
        sample.ask(params={"count": 0, "colour": "red"})

    assert {problem.field for problem in caught.value.problems} == {"city", "count", "colour"}
    assert sample.ask().params == {"city": "Riga", "count": 1}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"automation": "nothing"}, UnknownAutomationError),
        ({"customer": "nobody"}, UnknownCustomerError),
        ({"evidence_level": "a lot"}, InvalidRequestError),
    ],
)
def test_a_request_that_cannot_run_writes_no_row(
    change: dict[str, str], error: type[Exception], version: AutomationVersion
) -> None:
    with pytest.raises(error):
        sample.ask(**change)

    assert not Run.objects.exists()


def test_the_same_idempotency_key_gives_the_same_run(version: AutomationVersion) -> None:
    caller = Caller.objects.create(name="ci", customers=["*"])
    origin = Origin(cause=Cause.API, actor="caller:ci", caller=caller, idempotency_key="k1")
    request = RunRequest(automation="sample", params={"city": "Riga"})

    first = request_run(request=request, origin=origin)
    again = request_run(request=request, origin=origin)

    assert (first.created, again.created) == (True, False)
    assert first.run == again.run
    with pytest.raises(IdempotencyConflictError):
        request_run(request=replace(request, params={"city": "Oslo"}), origin=origin)


def test_a_waiting_run_is_cancelled_at_once(version: AutomationVersion) -> None:
    run = cancel_run(run=sample.ask(), actor="operator:anna")

    assert run.state == RunState.CANCELLED
    assert Attempt.objects.get(run=run).state == AttemptState.CANCELLED


def test_an_ended_run_cannot_be_cancelled(version: AutomationVersion) -> None:
    run = cancel_run(run=sample.ask(), actor="operator:anna")

    with pytest.raises(WrongStateError):
        cancel_run(run=run, actor="operator:anna")


def test_a_rerun_is_a_new_run_that_knows_its_root(version: AutomationVersion) -> None:
    first = cancel_run(run=sample.ask(), actor="operator:anna")

    second = rerun(run=first, origin=sample.OPERATOR, params={"city": "Oslo"}).run
    third = rerun(run=cancel_run(run=second, actor="operator:anna"), origin=sample.OPERATOR).run

    assert (second.rerun_of, second.root, third.rerun_of, third.root) == (first, first, second, first)
    assert third.params == {"city": "Oslo", "count": 1}
    assert third.cause == Cause.RERUN


def test_a_running_run_cannot_be_rerun(version: AutomationVersion) -> None:
    with pytest.raises(WrongStateError):
        rerun(run=sample.ask(), origin=sample.OPERATOR)
