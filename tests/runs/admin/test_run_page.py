"""The run page says whether it worked, why not, and what it saw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runs.services.cancelling import cancel_run
from runs.services.reruns import rerun
from tests.support.runs_factory import FAILURE, OPERATOR
from webgraph.errors import FailureKind

if TYPE_CHECKING:
    from django.test import Client

    from runs.models import Run
    from tests.support.runs_factory import RunsFactory

pytestmark = pytest.mark.django_db


def page_of(console: Client, run: Run, query: str = "") -> Any:
    return console.get(f"/admin/runs/run/{run.pk}/change/{query}")


def live(console: Client, run: Run, seen: str = "") -> Any:
    return console.get(f"/admin/runs/run/{run.pk}/live/", {"seen": seen})


def test_a_failed_run_says_why_and_shows_the_failure_beside_the_last_success(
    console: Client, runs_factory: RunsFactory
) -> None:
    success = runs_factory.succeeded()
    run = runs_factory.failed()

    page = page_of(console, run).context["page"]

    assert page.headline == "Something on the page was not found"
    assert page.sentence == FAILURE
    assert page.decisive.artifact.kind == "failure_picture"
    assert page.sibling.run == success
    assert page.sibling.caption.startswith("before step 3")


def test_a_success_shows_its_last_picture_and_its_rows(console: Client, runs_factory: RunsFactory) -> None:
    run = runs_factory.succeeded()

    response = page_of(console, run)
    page = response.context["page"]

    assert page.decisive.caption.startswith("After step 3")
    assert (page.sibling, page.result.row_count) == (None, 40)
    assert set(page.result.columns) == {"number", "amount"}
    assert "every 2s" not in response.text


def test_a_missing_picture_shows_its_reason(console: Client, runs_factory: RunsFactory) -> None:
    claim = runs_factory.claimed()
    step = runs_factory._intend(claim, 1)
    runs_factory.miss(claim, "The disk is full.", step_index=1)

    response = page_of(console, claim.attempt.run)

    assert step
    assert "No picture was kept. The disk is full." in response.text


def test_a_running_page_is_silent_while_nothing_happens_and_stops_asking_at_the_end(
    console: Client, runs_factory: RunsFactory
) -> None:
    claim = runs_factory.claimed()
    run = claim.attempt.run
    seen = page_of(console, run).context["page"].stamp

    quiet = live(console, run, seen)
    runs_factory.step(claim, 1)
    changed = live(console, run, seen)
    runs_factory.fail(claim, FailureKind.BUG, "It broke.")
    ended = live(console, run, seen)

    assert (quiet.status_code, changed.status_code, ended.status_code) == (204, 200, 286)
    assert "every 2s" in changed.text
    assert "every 2s" not in ended.text


def test_a_run_that_never_began_says_what_happens_next(console: Client, runs_factory: RunsFactory) -> None:
    run = runs_factory.requested()

    waiting = page_of(console, run)
    cancel_run(run=run, actor="operator:anna")
    cancelled = page_of(console, run)

    assert waiting.context["page"].next_action.startswith("Next: attempt 1, as soon as a worker is free")
    assert "No attempt ever began" in cancelled.text


def test_an_unknown_commit_asks_for_a_person(console: Client, runs_factory: RunsFactory) -> None:
    run = runs_factory.waiting_for_a_person()

    response = page_of(console, run)

    assert response.context["page"].headline == "Needs you to decide"
    assert run.state_reason in response.text


def test_a_rerun_shows_what_was_changed_and_its_family(console: Client, runs_factory: RunsFactory) -> None:
    first = runs_factory.failed()
    second = rerun(run=first, origin=OPERATOR, params={"city": "Oslo"}).run

    page = page_of(console, second).context["page"]

    changed = {row.title: (row.earlier, row.value) for row in page.params if row.is_changed}
    assert changed == {"City": ("Riga", "Oslo")}
    assert [row.pk for row in page.lineage] == [first.pk, second.pk]


def test_an_opened_step_shows_captured_html_in_a_sandbox_alone(
    console: Client, runs_factory: RunsFactory
) -> None:
    run = runs_factory.succeeded()
    step = run.attempts.get().steps.get(index=2)

    response = console.get(f"/admin/runs/run/{run.pk}/steps/{step.pk}/")

    assert 'sandbox="" src="/admin/artifacts/' in response.text
    assert "document.title" not in response.text


def test_hostile_words_of_a_site_are_escaped(console: Client, runs_factory: RunsFactory) -> None:
    run = runs_factory.failed("<script>alert(1)</script>")

    assert "<script>alert(1)" not in page_of(console, run).text


@pytest.mark.parametrize(("form", "begins"), [("csv", "amount,number"), ("jsonl", '{"'), ("json", "{")])
def test_a_result_is_downloaded_in_each_form(
    console: Client, runs_factory: RunsFactory, form: str, begins: str
) -> None:
    run = runs_factory.succeeded()

    response = console.get(f"/admin/runs/run/{run.pk}/result.{form}")

    assert response.text.startswith(begins)
    assert "attachment" in response.headers["Content-Disposition"]
