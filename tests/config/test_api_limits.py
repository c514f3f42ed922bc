"""Keys that do not open, rate limits, outages and what the API says when something breaks."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from importlib import import_module

import pytest
from django.db import OperationalError, connection
from django.test import Client

from infra_shared.api.addresses import address_behind
from infra_shared.clock import utc_now
from infra_shared.models import ApiKey, RateWindow
from infra_shared.services import api_keys
from runs.models import Run
from tests.support import api

CALLERS_NETWORK = "2001:db8:1:2::/64"


def only_key() -> ApiKey:
    """The one key there is."""
    return ApiKey.objects.get()


def test_a_revoked_key_says_so(caller) -> None:
    api_keys.revoke_key(key=only_key(), actor="operator:anna")

    refused = caller.get("/runs")

    assert "revoked" in api.problem(refused, 401)["detail"]
    assert refused["WWW-Authenticate"] == "ApiKey"


def test_an_expired_key_says_so(caller) -> None:
    ApiKey.objects.update(expires_at=utc_now() - timedelta(seconds=1))

    assert "expired" in api.problem(caller.get("/runs"), 401)["detail"]


def test_a_used_key_is_noted(caller) -> None:
    caller.get("/runs")

    assert only_key().last_used_at is not None


def test_a_key_beyond_its_rate_is_told_when_to_come_back(caller, settings, time_machine) -> None:
    time_machine.move_to("2030-01-01T00:00:20Z", tick=False)
    settings.API_RATE_PER_MINUTE = 2
    statuses = [caller.get("/runs").status_code for _ in range(2)]

    refused = caller.get("/runs")

    assert statuses == [200, 200]
    api.problem(refused, 429)
    assert refused["Retry-After"] == "40"
    time_machine.move_to("2030-01-01T00:01:00Z", tick=False)
    assert caller.get("/runs").status_code == 200


def test_failed_keys_of_one_address_are_limited_and_good_ones_are_not(caller, settings) -> None:
    settings.API_FAILURES_PER_MINUTE = 3
    stranger = api.Caller("ao_wrong")
    statuses = [stranger.get("/runs").status_code for _ in range(3)]

    refused = stranger.get("/runs")

    assert statuses == [401, 401, 401]
    api.problem(refused, 429)
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert RateWindow.objects.get(key="api-failure:127.0.0.1").count == 3
    assert caller.get("/runs").status_code == 200


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "address"),
    [
        ("192.0.2.9", "", 0, "192.0.2.9"),
        ("192.0.2.9", "198.51.100.1", 0, "192.0.2.9"),
        ("192.0.2.9", "spoofed, 198.51.100.1", 1, "198.51.100.1"),
        ("192.0.2.9", "203.0.113.5, 198.51.100.1, 192.0.2.8", 2, "198.51.100.1"),
        ("192.0.2.9", "198.51.100.1", 2, "192.0.2.9"),
        ("192.0.2.9", "not an address", 1, "192.0.2.9"),
        ("192.0.2.9", "2001:db8:1:2:3:4:5:6", 1, CALLERS_NETWORK),
        ("2001:db8:1:2::ffff", "", 0, CALLERS_NETWORK),
        ("::ffff:192.0.2.9", "", 0, "192.0.2.9"),
        ("", "", 0, "unknown"),
    ],
)
def test_the_callers_address_is_read_past_trusted_proxies_alone(peer, forwarded, proxies, address) -> None:
    assert address_behind(peer, forwarded, proxies=proxies) == address


def test_a_database_that_does_not_answer_is_a_503_with_retry_after(caller) -> None:
    def refuse(*_arguments: object) -> None:
        raise OperationalError("connection refused at 10.0.0.7")

    with connection.execute_wrapper(refuse):
        answer = caller.get("/runs")
        alive = Client().get("/healthz")

    assert "10.0.0.7" not in api.problem(answer, 503)["detail"]
    assert answer["Retry-After"] == "5"
    assert alive.status_code == 200


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_a_held_write_lock_is_a_503_and_leaves_no_run(caller, database_under_test) -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 50")
    body = {"automation": "sample", "params": {"city": "Riga"}}
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)

    with closing(other):
        other.execute("BEGIN IMMEDIATE")
        refused = caller.post("/runs", body, Idempotency_Key="order-1")
        other.execute("ROLLBACK")

    api.problem(refused, 503)
    assert not Run.objects.exists()
    assert caller.post("/runs", body, Idempotency_Key="order-1").status_code == 201


def test_an_unforeseen_error_tells_its_request_id_and_nothing_else(caller, monkeypatch, caplog) -> None:
    def fail(*_arguments: object) -> None:
        raise RuntimeError("secret internals")

    monkeypatch.setattr(import_module("automations.api.schedules"), "schedules_in_reach", fail)

    answer = caller.get("/schedules", X_Request_ID="trace-1")

    problem = api.problem(answer, 500)
    assert problem["request_id"] == "trace-1"
    assert "secret" not in answer.text
    assert "secret internals" in caplog.text


@pytest.mark.parametrize(
    "path", ["/nothing", "/runs/nothing", "/schedules/99999999999999999999", "/runs/1/2/3", "/"]
)
def test_an_unknown_path_is_a_problem(caller, path) -> None:
    api.problem(caller.get(path), 404)


def test_a_wrong_method_names_the_right_ones(caller) -> None:
    answer = Client().delete("/api/v1/runs", headers={"X-API-Key": caller.key})

    api.problem(answer, 405)
    assert set(answer["Allow"].split(", ")) == {"GET", "POST"}


@pytest.mark.parametrize("sent", ["", "a b", "x" * 65, "id\tx"])
def test_a_request_id_that_could_harm_a_log_is_replaced(sent) -> None:
    answer = Client().get("/healthz", headers={"X-Request-ID": sent})

    assert answer["X-Request-ID"].isalnum()
    assert len(answer["X-Request-ID"]) == 16
