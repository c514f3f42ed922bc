"""Params that nobody may see: kept encrypted as long as a run is not over, and asked for again with a rerun."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from cryptography.fernet import Fernet
from django.db import transaction

from automations.errors import ParamsInvalidError
from infra_shared.database import database_now
from infra_shared.models import AuditLine, Caller
from runs import lifecycle
from runs.errors import IdempotencyConflictError, InvalidRequestError, SecretsGoneError
from runs.models import BulkItem, BulkKind, Checkpoint, Run, RunSecrets
from runs.services import bulk_orders, bulk_work, outcomes, resuming
from runs.services.cancelling import cancel_run
from runs.services.requests import Origin, RequestedRun, RunRequest, request_run
from runs.services.reruns import rerun
from runs.services.run_filter import RunFilter
from runs.services.run_secrets import secrets_of
from runs.states import RUN_MOVES, TERMINAL_RUNS, Cause, RunState
from tests.support import sample
from tests.support.secret_sample import OTHER_PIN, PIN, SecretSample, ask, stored_bytes
from webgraph.checkpoint import Checkpoint as Taken
from webgraph.secret_values import Secret

if TYPE_CHECKING:
    from typing import Any

    from automations.models import AutomationVersion

HIDDEN = {"city": "Riga", "pin": "•••", "spare": None}


@pytest.fixture
def version(db: None, monkeypatch: pytest.MonkeyPatch) -> AutomationVersion:
    """The published version of the sample that wants a PIN."""
    return sample.install(monkeypatch, SecretSample)


@pytest.fixture
def caller(db: None) -> Caller:
    """Somebody who asks with idempotency keys."""
    return Caller.objects.create(name="ci")


def ended() -> Run:
    return cancel_run(run=ask(), actor="operator:anna")


def asked_by(caller: Caller, pin: str) -> RequestedRun:
    origin = Origin(cause=Cause.API, actor="caller:ci", caller=caller, idempotency_key="order-1")
    return request_run(
        request=RunRequest(automation="sample", params={"city": "Riga", "pin": pin}), origin=origin
    )


def test_a_secret_param_is_stored_encrypted_and_shown_as_dots(version: AutomationVersion) -> None:
    run = ask()

    assert run.params == HIDDEN
    assert secrets_of(run=run) == {"pin": PIN}
    assert str(RunSecrets.objects.get().content) == "•••"
    assert PIN.encode() not in b"".join(stored_bytes())


def test_a_secret_param_is_kept_apart_where_the_code_is_missing(
    version: AutomationVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("automations.services.params.code_for", lambda _version: None)

    assert (ask().params, secrets_of(run=Run.objects.get())) == (HIDDEN, {"pin": PIN})
    with pytest.raises(ParamsInvalidError) as caught:
        ask(params={"city": "Riga", "pin": "Zq7"})
    assert str(caught.value) == "pin: It does not fit."


@pytest.mark.parametrize("state", sorted(TERMINAL_RUNS))
def test_a_secret_param_is_erased_by_the_transaction_that_ends_the_run(
    state: RunState, version: AutomationVersion
) -> None:
    run, now = ask(), database_now()
    begin = next(begin for begin, moves in RUN_MOVES.items() if state in moves)
    Run.objects.filter(pk=run.pk).update(state=begin, started_at=now)
    run.refresh_from_db()

    with transaction.atomic():
        lifecycle.move_run(run, state, actor="test", reason="", now=now)
        transaction.set_rollback(True)
    assert RunSecrets.objects.exists()
    run.refresh_from_db()
    lifecycle.move_run(run, state, actor="test", reason="", now=now)

    assert not RunSecrets.objects.exists()
    assert run.params == HIDDEN


def test_the_end_erases_the_checkpoints_that_hold_a_secret_param_and_leaves_the_others(
    version: AutomationVersion,
) -> None:
    run = ask()
    attempt = run.attempts.get()
    for position, shown in enumerate(("Riga", quote(PIN), b64encode(PIN.encode()).decode()), start=1):
        facts: dict[str, Any] = {"storage_state": {}, "session_storage": {}, "opened": [], "page": {}}
        taken = Taken(
            position=position, stage=f"s{position}", state={}, url=f"https://x.test/?{shown}", **facts
        )
        resuming.keep(attempt=attempt, taken=taken)

    cancel_run(run=run, actor="operator:anna")

    assert [item.position for item in Checkpoint.objects.all()] == [1]


def test_a_run_that_is_tried_again_keeps_its_secret_params(version: AutomationVersion) -> None:
    run = ask()
    outcomes.finish_parked(claim=sample.claim_now(run, version), question=sample.question())

    assert secrets_of(run=run) == {"pin": PIN}


def test_dots_are_never_given_to_an_attempt_in_the_place_of_a_secret(version: AutomationVersion) -> None:
    run = ask()
    RunSecrets.objects.all().delete()

    with pytest.raises(SecretsGoneError, match="pin"):
        secrets_of(run=run)


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"city": "Riga", "pin": "Zq7"}, "pin"),
        ({"city": f"{PIN}town", "pin": PIN}, "city"),
        ({"city": "Riga", "pin": {"is": PIN}}, "pin"),
        ({"city": "Riga", "pin": "•••"}, "pin"),
        ({"city": "Riga"}, "pin"),
    ],
)
def test_what_does_not_fit_is_named_without_the_secret(
    params: dict[str, Any], field: str, version: AutomationVersion
) -> None:
    with pytest.raises(ParamsInvalidError) as caught:
        ask(params=params)

    assert [problem.field for problem in caught.value.problems] == [field]
    assert "Zq7" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_check_that_breaks_repeats_no_secret(
    version: AutomationVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    def _breaks(params: dict[str, Any]) -> Any:
        raise KeyError(params["pin"])

    monkeypatch.setattr(SecretSample.Params, "model_validate", _breaks)

    with pytest.raises(ParamsInvalidError, match="KeyError: '•••'") as caught:
        ask()
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_runs_are_not_counted_by_a_secret_param(
    version: AutomationVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SecretSample, "slot_keys", classmethod(lambda _cls, params: {params.pin.reveal(): 1}))

    with pytest.raises(InvalidRequestError, match="secret param") as caught:
        ask()
    assert PIN not in str(caught.value)
    assert not Run.objects.exists()


def test_the_same_idempotency_key_compares_secret_params_also_after_they_are_erased(
    version: AutomationVersion, caller: Caller
) -> None:
    first = asked_by(caller, PIN).run
    cancel_run(run=first, actor="operator:anna")

    again = asked_by(caller, PIN)

    assert (again.run, again.created) == (first, False)
    with pytest.raises(IdempotencyConflictError):
        asked_by(caller, OTHER_PIN)


def test_the_comparison_outlives_a_rotation_and_needs_the_key_ring(
    version: AutomationVersion, caller: Caller, settings: Any
) -> None:
    first = asked_by(caller, PIN).run
    old, new = list(settings.FIELD_ENCRYPTION_KEYS), Fernet.generate_key().decode()

    settings.FIELD_ENCRYPTION_KEYS = [new, *old]
    assert asked_by(caller, PIN).run == first
    settings.FIELD_ENCRYPTION_KEYS = [new]
    with pytest.raises(IdempotencyConflictError):
        asked_by(caller, PIN)


def test_a_rerun_must_bring_secret_params_again(version: AutomationVersion) -> None:
    run = ended()

    for params in (None, dict(run.params)):
        with pytest.raises(ParamsInvalidError) as caught:
            rerun(run=run, origin=sample.OPERATOR, params=params)
        assert [(item.field, "give it again" in item.message) for item in caught.value.problems] == [
            ("pin", True)
        ]
    made = rerun(run=run, origin=sample.OPERATOR, secret_params={"pin": OTHER_PIN}).run

    assert (made.params, secrets_of(run=made)) == (HIDDEN, {"pin": OTHER_PIN})
    assert AuditLine.objects.get(action="run.rerun").details["params_changed"] is False


def test_a_rerun_brings_no_secret_that_would_be_kept_in_the_open(
    version: AutomationVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ended()
    sample.install(monkeypatch)  # where `pin` is no param at all

    with pytest.raises(ParamsInvalidError) as caught:
        rerun(run=run, origin=sample.OPERATOR, secret_params={"pin": PIN})

    assert str(caught.value) == "pin: The automation declares no such secret param."


def test_a_rerun_from_a_later_stage_must_bring_secret_params_again(version: AutomationVersion) -> None:
    run = ask()
    claim = sample.claim_now(run, version)
    Checkpoint.objects.update_or_create(
        run=run,
        position=1,
        defaults={"attempt": claim.attempt, "stage": "look", "content": {}, "taken_at": database_now()},
    )
    cancel_run(run=run, actor="operator:anna")
    outcomes.finish_cancelled(claim=claim)
    run.refresh_from_db()
    assert [item["name"] for item in resuming.stages_to_rerun_from(run=run)] == ["order"]

    with pytest.raises(ParamsInvalidError):
        rerun(run=run, origin=sample.OPERATOR, from_stage="order")
    made = rerun(run=run, origin=sample.OPERATOR, from_stage="order", secret_params={"pin": PIN}).run

    assert (made.from_stage, secrets_of(run=made)) == ("order", {"pin": PIN})


def test_bulk_reruns_skip_runs_with_secret_params_and_say_why(version: AutomationVersion) -> None:
    run = ended()
    request = bulk_orders.BulkRequest(
        kind=BulkKind.RERUN, filter=RunFilter(states=("cancelled",)), actor="operator:anna"
    )

    bulk_work.work_on(order_id=bulk_orders.give_bulk_order(request).order.pk)

    item = BulkItem.objects.get(run=run)
    assert (item.outcome, "secret params are not kept: pin" in item.reason) == ("skipped", True)


def test_no_audit_line_and_no_log_line_holds_a_secret_param(
    version: AutomationVersion, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    made = rerun(run=ended(), origin=sample.OPERATOR, secret_params={"pin": PIN}).run

    def _breaks(_cls: Any, params: Any) -> Any:
        raise KeyError(params.pin.reveal())

    monkeypatch.setattr(SecretSample, "slot_keys", classmethod(_breaks))
    with pytest.raises(InvalidRequestError, match="•••"):
        ask()

    assert PIN not in repr(list(AuditLine.objects.values()))
    assert PIN not in capfd.readouterr().err
    assert PIN not in f"{made} {made!r} {RunRequest(automation='sample', params={'pin': PIN})!r}"
    assert Secret(PIN) != PIN
