"""Creating, listing, cancelling and rerunning runs over the API."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections

from infra_shared.models import AuditLine
from runs.models import Attempt, Run
from tests.support import api, sample

ASKED = {"automation": "sample", "params": {"city": "Riga"}}


def test_a_created_run_is_found_where_location_says(caller) -> None:
    created = caller.post("/runs", ASKED)

    assert created.status_code == 201
    run = caller.get(created["Location"].removeprefix("/api/v1")).json()
    assert run == created.json()
    assert created["Cache-Control"] == "no-store"
    assert (run["state"], run["cause"], run["requested_by"]) == ("queued", "api", "caller:ci")
    assert run["params"] == {"city": "Riga", "count": 1}


def test_the_same_idempotency_key_answers_with_the_same_run(caller) -> None:
    first = caller.post("/runs", ASKED, Idempotency_Key="order-1")
    again = caller.post("/runs", ASKED, Idempotency_Key="order-1")

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    assert again["Location"] == first["Location"]
    assert Run.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_idempotency_key_sent_at_the_same_moment_makes_one_run(caller) -> None:
    together = Barrier(4)

    def send(_: int) -> int:
        together.wait()
        try:
            return int(caller.post("/runs", ASKED, Idempotency_Key="order-1").status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        statuses = sorted(threads.map(send, range(4)))

    assert statuses == [200, 200, 200, 201]
    assert Run.objects.count() == 1


def test_an_idempotency_key_does_not_fit_another_request(caller) -> None:
    caller.post("/runs", ASKED, Idempotency_Key="order-1")

    other = caller.post("/runs", {**ASKED, "priority": 1}, Idempotency_Key="order-1")

    assert "order-1" in api.problem(other, 409)["detail"]
    assert Run.objects.count() == 1


def test_an_idempotency_key_belongs_to_its_caller_and_survives_the_key(caller) -> None:
    first = caller.post("/runs", ASKED, Idempotency_Key="order-1").json()

    rotated = api.Caller(api.key()).post("/runs", ASKED, Idempotency_Key="order-1")
    stranger = api.Caller(api.key(caller="stranger")).post("/runs", ASKED, Idempotency_Key="order-1")

    assert rotated.json()["id"] == first["id"]
    assert stranger.status_code == 201


def test_a_rerun_with_an_idempotency_key_is_made_once_for_each_run(world) -> None:
    caller = api.Caller(api.key())
    caller.post(f"/runs/{world.waiting.pk}/cancel")

    first = caller.post(f"/runs/{world.run.pk}/rerun", Idempotency_Key="again")
    repeated = caller.post(f"/runs/{world.run.pk}/rerun", Idempotency_Key="again")
    of_another_run = caller.post(f"/runs/{world.waiting.pk}/rerun", Idempotency_Key="again")

    assert (first.status_code, repeated.status_code) == (201, 200)
    assert repeated.json()["id"] == first.json()["id"]
    api.problem(of_another_run, 409)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"automation": "sample"}, {"params.city"}),
        (
            {"automation": "sample", "params": {"count": 0, "colour": "red"}},
            {"params.city", "params.count", "params.colour"},
        ),
        ({}, {"automation"}),
        ({**ASKED, "due_at": "2030-01-01T00:00:00"}, {"due_at"}),
        ({**ASKED, "due_at": "9999-12-31T23:59:59Z"}, {"due_at"}),
        (
            {**ASKED, "evidence_level": "loud", "priority": 101, "wish": 1},
            {"evidence_level", "priority", "wish"},
        ),
        ({**ASKED, "params": {"city": "Ri\0ga"}}, {"params"}),
        ({**ASKED, "params": {"city": "\ud800"}}, {"params"}),
        ({**ASKED, "customer": "ma\0in"}, {"customer"}),
        ([], {"body"}),
    ],
)
def test_what_does_not_fit_is_named_field_by_field(caller, body, fields) -> None:
    errors = api.problem(caller.post("/runs", body), 422)["errors"]

    assert {error["field"] for error in errors} == fields
    assert len(errors) == len(fields)
    assert all(error["message"] for error in errors)
    assert not Run.objects.exists()


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json_is_refused(caller, body) -> None:
    api.problem(caller.post("/runs", body), 400)


def test_a_body_beyond_the_limit_is_refused(caller, settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000

    api.problem(caller.post("/runs", {**ASKED, "params": {"city": "x" * 1000}}), 413)


def test_an_unknown_automation_or_customer_is_not_there(caller) -> None:
    assert "'nothing'" in api.problem(caller.post("/runs", {"automation": "nothing"}), 404)["detail"]
    assert "'nobody'" in api.problem(caller.post("/runs", {**ASKED, "customer": "nobody"}), 404)["detail"]


def test_runs_are_listed_newest_first_page_after_page(caller) -> None:
    made = [str(sample.ask().pk) for _ in range(5)]

    pages = [caller.get("/runs?limit=2").json()]
    while cursor := pages[-1]["next_cursor"]:
        pages.append(caller.get(f"/runs?limit=2&cursor={cursor}").json())

    seen = [[run["id"] for run in page["items"]] for page in pages]
    assert seen == [[made[4], made[3]], [made[2], made[1]], [made[0]]]


@pytest.mark.parametrize("cursor", ["x", "%00", "cnVuczo", "YXJ0aWZhY3RzOjE", "cnVuczoxMjM", "é" * 5])
def test_a_cursor_of_elsewhere_is_refused(caller, cursor) -> None:
    assert "cursor" in api.problem(caller.get(f"/runs?cursor={cursor}"), 400)["detail"]


def test_a_limit_beyond_the_largest_page_is_refused(caller) -> None:
    problem = api.problem(caller.get("/runs?limit=201"), 422)

    assert [error["field"] for error in problem["errors"]] == ["limit"]


def test_runs_are_filtered(world) -> None:
    caller = api.Caller(api.key())
    again = caller.post(f"/runs/{world.run.pk}/rerun").json()
    between = f"created_after={world.run.created_at:%Y-%m-%dT%H:%M:%S.%fZ}"

    def found(query: str) -> set[str]:
        return {run["id"] for run in caller.get(f"/runs?{query}").json()["items"]}

    run, waiting = str(world.run.pk), str(world.waiting.pk)
    assert found("state=succeeded") == {run}
    assert found("cause=rerun&automation=sample&customer=main") == {again["id"]}
    assert found("automation=other") == set()
    assert found(f"root={run}") == {run, again["id"]}
    assert found(between) == {str(pk) for pk in Run.objects.values_list("pk", flat=True)} >= {run, waiting}
    assert found(between.replace("after", "before")) == set()


def test_runs_are_filtered_by_how_they_were_signed_in(world) -> None:
    caller = api.Caller(api.key())
    Attempt.objects.filter(run=world.run).update(session="degraded")

    found = caller.get("/runs?session=degraded").json()["items"]
    meant = caller.post(
        "/runs/bulk-rerun", {"filter": {"session": "degraded", "states": ["succeeded"]}}
    ).json()

    assert [run["id"] for run in found] == [str(world.run.pk)]
    assert meant["total"] == 1
    assert caller.get("/runs?session=cached").json()["items"] == []
    assert [error["field"] for error in api.problem(caller.get("/runs?session=stale"), 422)["errors"]] == [
        "session"
    ]


def test_a_cancelled_run_says_who_and_why(world) -> None:
    caller = api.Caller(api.key())

    cancelled = caller.post(f"/runs/{world.waiting.pk}/cancel", {"reason": "wrong city"}).json()

    assert cancelled["state"] == "cancelled"
    last = caller.get(f"/runs/{world.waiting.pk}/transitions").json()["items"][-1]
    assert (last["actor"], last["reason"]) == ("caller:ci", "wrong city")
    assert AuditLine.objects.filter(action="run.cancel", actor="caller:ci", reason="wrong city").exists()


def test_a_run_that_ended_is_not_cancelled_and_one_that_waits_is_not_rerun(world) -> None:
    caller = api.Caller(api.key())

    assert "already ended" in api.problem(caller.post(f"/runs/{world.run.pk}/cancel"), 409)["detail"]
    assert "still queued" in api.problem(caller.post(f"/runs/{world.waiting.pk}/rerun"), 409)["detail"]


def test_a_rerun_keeps_the_request_and_knows_where_it_comes_from(world) -> None:
    caller = api.Caller(api.key())

    again = caller.post(f"/runs/{world.run.pk}/rerun", {"params": {"city": "Oslo"}}).json()

    assert (again["cause"], again["rerun_of"], again["root"]) == (
        "rerun",
        str(world.run.pk),
        str(world.run.pk),
    )
    assert again["params"] == {"city": "Oslo", "count": 1}


def test_steps_are_those_of_one_attempt_or_of_all(world) -> None:
    caller = api.Caller(api.key())

    (step,) = caller.get(f"/runs/{world.run.pk}/steps").json()["items"]

    assert (step["attempt"], step["index"], step["action"], step["succeeded"]) == (1, 1, "goto", None)
    assert caller.get(f"/runs/{world.run.pk}/steps?attempt=2").json()["items"] == []


def test_an_automation_says_what_its_runs_take_and_do(caller) -> None:
    automation = caller.get("/automations/sample").json()

    assert automation["params_schema"]["required"] == ["city"]
    assert [stage["effect"] for stage in automation["stages"]] == ["read", "commit"]
    assert automation["options"]["max_attempts"] == 3
    assert [version["number"] for version in automation["versions"]] == [1]


def test_an_occurrence_names_the_run_it_fired(world) -> None:
    caller = api.Caller(api.key())

    (occurrence,) = caller.get(f"/schedules/{world.schedule.pk}/occurrences").json()["items"]

    assert (occurrence["state"], occurrence["run"]) == ("fired", str(world.run.pk))
    assert occurrence["lateness_seconds"] == 0


def test_what_a_run_asks_is_told_and_answered_once(world) -> None:
    caller, path = api.Caller(api.key()), f"/runs/{world.asking.pk}/input"

    asked = caller.get(path).json()
    unfit = api.problem(caller.post(path, {"answer": {"code": "1"}}), 422)
    answered = caller.post(path, {"answer": {"code": "246810"}}).json()

    assert (asked["kind"], asked["prompt"]) == ("question", "Which code did the shop send?")
    assert asked["answer_schema"]["required"] == ["code"]
    assert [error["field"] for error in unfit["errors"]] == ["answer.code"]
    assert answered["state"] == "retry_wait"
    assert "asks nothing" in api.problem(caller.post(path, {"answer": {"code": "135791"}}), 409)["detail"]
    assert caller.get(path).json()["kind"] == "none"


def test_a_rerun_from_a_stage_nothing_is_kept_for_is_refused(world) -> None:
    caller = api.Caller(api.key())

    refused = api.problem(caller.post(f"/runs/{world.run.pk}/rerun", {"from_stage": "order"}), 422)

    assert refused["errors"][0]["field"] == "from_stage"
