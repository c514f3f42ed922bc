"""Secret params over the API: taken once, shown as •••, named when they are missing, and repeated in no answer."""

from __future__ import annotations

import pytest

from runs.models import Run
from runs.services.run_secrets import secrets_of
from tests.support import api, sample
from tests.support.secret_sample import OTHER_PIN, PIN, SecretSample

ASKED = {"automation": "sample", "params": {"city": "Riga", "pin": PIN}}


@pytest.fixture
def caller(db: None, monkeypatch: pytest.MonkeyPatch) -> api.Caller:
    """A caller with every scope, where the sample wants a PIN."""
    sample.install(monkeypatch, SecretSample)
    return api.Caller(api.key())


def test_no_answer_shows_a_secret_param(caller: api.Caller) -> None:
    created = caller.post("/runs", ASKED)

    assert created.status_code == 201
    answers = [created, caller.get(f"/runs/{created.json()['id']}"), caller.get("/runs")]
    assert created.json()["params"]["pin"] == "•••"
    assert all(PIN.encode() not in answer.content for answer in answers)
    schema = caller.get("/automations/sample").json()["params_schema"]
    assert schema["properties"]["pin"]["writeOnly"] is True


def test_the_same_key_with_another_secret_param_is_another_request(caller: api.Caller) -> None:
    first = caller.post("/runs", ASKED, Idempotency_Key="order-1")
    caller.post(f"/runs/{first.json()['id']}/cancel")
    again = caller.post("/runs", ASKED, Idempotency_Key="order-1")
    other = caller.post(
        "/runs", ASKED | {"params": {"city": "Riga", "pin": OTHER_PIN}}, Idempotency_Key="order-1"
    )

    assert [answer.status_code for answer in (first, again, other)] == [201, 200, 409]
    assert OTHER_PIN.encode() not in other.content
    assert Run.objects.count() == 1


def test_a_secret_param_that_does_not_fit_is_named_and_not_repeated(caller: api.Caller) -> None:
    answer = caller.post("/runs", ASKED | {"params": {"city": "Riga7", "pin": "Zq7"}})

    told = api.problem(answer, 422)
    assert {item["field"] for item in told["errors"]} == {"params.city", "params.pin"}
    assert b"Zq7" not in answer.content


def test_a_rerun_names_the_secret_params_it_must_bring(caller: api.Caller) -> None:
    run = caller.post("/runs", ASKED).json()["id"]
    caller.post(f"/runs/{run}/cancel")

    told = api.problem(caller.post(f"/runs/{run}/rerun"), 422)
    made = caller.post(f"/runs/{run}/rerun", {"secret_params": {"pin": OTHER_PIN}})

    assert [item["field"] for item in told["errors"]] == ["params.pin"]
    assert made.status_code == 201
    assert OTHER_PIN.encode() not in made.content
    assert secrets_of(run=Run.objects.get(pk=made.json()["id"])) == {"pin": OTHER_PIN}
