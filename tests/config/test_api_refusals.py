"""What the API says where a request cannot be read or asks for something that is not there to be asked for."""

from __future__ import annotations

import pytest

from tests.support import api

TRIGGER = {"source": "shop", "name": "x", "automation": "sample"}
pytestmark = pytest.mark.usefixtures("world")


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("status=failed", "status", "takes automation, cause"),
        ("state=failed&state=queued", "state", "Send it once."),
        ("state=done", "state", "'succeeded'"),
    ],
)
def test_a_query_that_would_be_misread_is_refused(query: str, field: str, words: str) -> None:
    answer = api.Caller(api.key()).get(f"/runs?{query}")

    (error,) = api.problem(answer, 422)["errors"]
    assert error["field"] == field
    assert words in error["message"]


def test_an_endpoint_without_a_query_says_so_and_the_key_is_checked_first(world: api.World) -> None:
    path = f"/runs/{world.run.pk}?verbose=1"

    api.problem(api.Caller().get(path), 401)
    (error,) = api.problem(api.Caller(api.key()).get(path), 422)["errors"]

    assert error["message"] == "There is no such query parameter. This endpoint takes none."


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"automation": "sample",\n "pin": 4711,}', "line 2, column 14"),
        (b'{"automation": "\xff"}', "not JSON in UTF-8"),
        (b"[" * 100_000, "deep"),
    ],
)
def test_a_body_that_is_no_json_is_told_where_and_never_repeated(body: bytes, words: str) -> None:
    answer = api.Caller(api.key()).post("/runs", body)

    detail = api.problem(answer, 400)["detail"]
    assert words in detail
    assert "4711" not in detail


@pytest.mark.parametrize(
    ("path", "body", "field", "words"),
    [
        ("/runs", [], "body", "It must be a JSON object"),
        ("/runs", {"automation": "sample", "parms": {}}, "parms", "There is no such field."),
        ("/runs", {"automation": "sample", "due_at": "tomorrow"}, "due_at", "such as 2026-11-23T08:00:00Z"),
        ("/pauses", {"scope": "everything", "reason": "x", "until": "noon"}, "until", "no such field"),
        ("/pauses", {"scope": "everything", "reason": "\0"}, "reason", "U+0000"),
        ("/pauses", {"scope": "key:shop", "reason": "x"}, "scope", "Write everything, automation:KEY"),
        ("/triggers", TRIGGER | {"mapping": "{url: "}, "mapping", "ends too early"),
    ],
)
def test_what_does_not_fit_is_told_with_what_would(path: str, body: object, field: str, words: str) -> None:
    answer = api.Caller(api.key(customers=["*"])).post(path, body)

    (error,) = api.problem(answer, 422)["errors"]
    assert error["field"] == field
    assert words in error["message"]


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00"])
@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/runs", "created_after"),
        ("/runs", "created_before"),
        ("/events", "stored_after"),
        ("/events", "stored_before"),
    ],
)
def test_a_moment_at_an_end_of_the_calendar_is_refused(path: str, field: str, moment: str) -> None:
    """Where a margin or an offset would lead out of it."""
    answer = api.Caller(api.key()).get(f"{path}?{field}={moment}")

    (error,) = api.problem(answer, 422)["errors"]
    assert (error["field"], error["message"]) == (field, "It must lie between 1970 and 2100.")


@pytest.mark.parametrize("path", ["/sources/%00", "/automations/%00", "/runs/1"])
def test_what_can_be_no_id_names_nothing(path: str) -> None:
    api.problem(api.Caller(api.key()).get(path), 404)


def test_a_host_name_that_is_not_served_is_told_which_setting_names_them() -> None:
    answer = api.Caller(api.key()).get("/runs", host="elsewhere.example")

    assert "ALLOWED_HOSTS" in api.problem(answer, 400)["detail"]


def test_a_body_that_is_too_large_is_told_how_large_it_may_be() -> None:
    answer = api.Caller(api.key()).post("/runs", b'{"automation": "' + b"a" * 2_700_000 + b'"}')

    assert "2.5 MB" in api.problem(answer, 413)["detail"]
