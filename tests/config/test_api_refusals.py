"""What the API says where a request cannot be read or asks for something that is not there to be asked for."""

from __future__ import annotations

import pytest

from tests.support import api

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


def test_a_body_that_is_too_large_is_told_how_large_it_may_be() -> None:
    answer = api.Caller(api.key()).post("/runs", b'{"automation": "' + b"a" * 2_700_000 + b'"}')

    assert "2.5 MB" in api.problem(answer, 413)["detail"]
