"""The log lines of a run on its page, on a page of their own, and on the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import call_command

from infra_shared.redaction import Redactor
from runs.attempt_log import AttemptLog
from tests.support.console import client_with
from tests.support.operators import in_role
from webgraph.recorder import ArtifactKind

if TYPE_CHECKING:
    from django.test import Client

    from runs.models import Run
    from tests.support.runs_factory import RunsFactory

pytestmark = pytest.mark.django_db
LINES: list[dict[str, Any]] = [
    {"timestamp": "2026-11-23T06:11:06.731900Z", "level": "info", "event": "attempt_claimed", "fence": 1},
    {"timestamp": "2026-11-23T06:11:07.1Z", "level": "info", "event": "row_read", "step": 1, "rows": 12},
    {"timestamp": "2026-11-23T06:11:08.2Z", "level": "warning", "event": "<b>odd</b>", "step": 2},
    {
        "timestamp": "2026-11-23T06:11:09.3Z",
        "level": "error",
        "event": "broke",
        "exception": "ValueError: nine is no number",
    },
]


@pytest.fixture
def run(runs_factory: RunsFactory) -> Run:
    """A run with two parts of a log."""
    claim = runs_factory.claimed()
    for lines in (LINES[:2], LINES[2:]):
        log = AttemptLog()
        for line in lines:
            log.take(line)
        part = log.next_part(Redactor(()))
        assert part is not None
        kept = runs_factory.keep(claim, ArtifactKind.LOG, part.content_type, part.body)
        kept.name, kept.meta = part.name, part.meta
        kept.save()
    return claim.attempt.run


def page(client: Client, run: Run, query: str = "") -> Any:
    """The page of the run's log lines."""
    return client.get(f"/admin/runs/run/{run.pk}/log/{query}")


def test_the_lines_of_all_parts_are_shown_in_order_with_level_step_and_escaped_words(console, run):
    text = page(console, run).content.decode()

    places = [text.index(words) for words in ("attempt_claimed", "row_read", "&lt;b&gt;odd", "nine is no")]
    assert places == sorted(places)
    assert "<b>odd" not in text
    assert "rows=12" in text
    assert "step 2" in text


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("?level=warning", ["&lt;b&gt;odd", "broke"]),
        ("?level=error", ["broke"]),
        ("?step=1", ["row_read"]),
        ("?level=error&step=1", []),
        ("?level=loud&step=-1&attempt=x", ["attempt_claimed", "row_read", "&lt;b&gt;odd", "broke"]),
    ],
)
def test_lines_are_narrowed_by_level_and_step(console, run, query, shown):
    text = page(console, run, query).content.decode()

    words = ("attempt_claimed", "row_read", "&lt;b&gt;odd", "broke")
    assert [word for word in words if f"<strong>{word}" in text] == shown


def test_the_run_page_says_how_many_lines_there_are_and_lists_no_part_among_the_files(console, run):
    text = console.get(f"/admin/runs/run/{run.pk}/change/").content.decode()

    assert 'Log lines <span class="c-soft">4</span>' in text
    assert "log-001.jsonl" not in text


def test_a_part_of_the_page_is_answered_to_the_page_itself(console, run):
    answer = console.get(f"/admin/runs/run/{run.pk}/log/", headers={"HX-Request": "true"})

    assert answer.content.decode().strip().startswith('<div class="c-lines">')


def test_lines_that_were_not_kept_are_told(console, run):
    run.artifacts.filter(kind=ArtifactKind.LOG).first().delete()
    row = run.artifacts.get(kind=ArtifactKind.LOG)
    row.blob, row.missing_reason = None, "The store was full."
    row.save()

    assert "Lines are missing here. The store was full." in page(console, run).content.decode()


def test_the_log_is_for_those_who_may_see_files_of_customers_within_their_reach(run):
    elsewhere = in_role("Operator", customers=["other"], name="elsewhere")

    assert page(client_with("runs.view_run"), run).status_code == 403
    assert page(elsewhere, run).status_code == 404


def test_runs_show_prints_the_lines(run, capsys: pytest.CaptureFixture[str]):
    call_command("runs", "show", str(run.pk), "--logs")
    written = capsys.readouterr().out
    call_command("runs", "show", str(run.pk), "--logs", "--json")
    [attempt] = json.loads(capsys.readouterr().out)["attempts"]

    assert "warning  step 2   <b>odd</b>" in written
    assert "nine is no number" in written
    assert [line["event"] for line in attempt["log"]] == [line["event"] for line in LINES]
