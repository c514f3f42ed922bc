"""Results over the API: from the row or an artifact, as JSON, JSON Lines and CSV."""

from __future__ import annotations

import csv
import io
import json

import pytest

from runs.services import outcomes
from runs.services.result_formats import to_csv, to_json_lines
from tests.support import api, sample
from webgraph.errors import FailureKind
from webgraph.recorder import ArtifactKind


@pytest.fixture
def reader(version) -> api.Caller:
    """A caller that may read runs."""
    return api.Caller(api.key(scopes=["runs:read"]))


def test_a_result_is_read_as_json_json_lines_and_csv(world, reader) -> None:
    path = f"/runs/{world.run.pk}/result"

    as_json, as_lines, as_csv = (reader.get(f"{path}?format={name}") for name in ("json", "jsonl", "csv"))

    assert as_json.json() == api.RESULT
    assert [json.loads(line) for line in as_lines.text.splitlines()] == api.RESULT["rows"]
    assert as_csv["Content-Type"].startswith("text/csv")
    assert list(csv.reader(io.StringIO(as_csv.text))) == [
        ["city", "sum", "tags"],
        ["Riga", "-5", ""],
        ["'=1+1", "", '["a"]'],
    ]


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("text/csv", "text/csv; charset=utf-8"),
        ("application/x-ndjson", "application/x-ndjson"),
        ("text/html, */*;q=0.1", "application/json"),
        ("text/html", "application/json"),
    ],
)
def test_without_a_format_the_accept_header_decides(world, reader, accept, content_type) -> None:
    assert reader.get(f"/runs/{world.run.pk}/result", Accept=accept)["Content-Type"] == content_type


def test_a_large_result_is_read_from_its_artifact(version, reader) -> None:
    run, claim = sample.claimed_run(version)
    large = {"rows": [{"n": n, "text": "x" * 50} for n in range(2000)]}
    artifact = api.keep(claim, json.dumps(large).encode(), kind=ArtifactKind.RESULT, name="result.json")
    outcomes.finish_succeeded(claim=claim, result=None, result_artifact=artifact)

    assert reader.get(f"/runs/{run.pk}/result").json() == large
    assert len(reader.get(f"/runs/{run.pk}/result?format=csv").text.splitlines()) == 2001


def test_a_run_without_a_result_says_whether_there_will_be_one(version, reader) -> None:
    run, claim = sample.claimed_run(version)
    pending = api.problem(reader.get(f"/runs/{run.pk}/result"), 409)
    failure = outcomes.Failure(kind=FailureKind.BUG, message="It broke.", permanent=True)
    outcomes.finish_failed(claim=claim, failure=failure)

    ended = api.problem(reader.get(f"/runs/{run.pk}/result"), 404)

    assert "running" in pending["detail"]
    assert "failed" in ended["detail"]
    assert reader.get(f"/runs/{run.pk}").json()["failure"]["message"] == "It broke."


def test_a_result_without_exactly_one_list_is_one_row() -> None:
    two_lists = {"a": [1], "b": [2]}

    assert to_json_lines(two_lists) == '{"a": [1], "b": [2]}\n'
    assert to_csv({"title": "Shop", "ok": True}) == "ok,title\r\ntrue,Shop\r\n"


def test_entries_that_are_no_objects_get_a_column_named_like_their_field() -> None:
    assert to_csv({"urls": ["/a", "/b"], "total": 2}) == "urls\r\n/a\r\n/b\r\n"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_text_of_a_csv_is_taken_for_a_formula(start) -> None:
    ((heading,), (cell,)) = csv.reader(io.StringIO(to_csv({f"{start}a": f"{start}cmd"}), newline=""))

    assert (heading[:2], cell[:2]) == (f"'{start}", f"'{start}")
