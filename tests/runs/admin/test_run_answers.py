"""What a person says about a run, and what leaves the console with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra_shared.models import AuditLine
from runs.models import Run
from tests.support.operators import in_role

if TYPE_CHECKING:
    from django.test import Client

    from tests.support.runs_factory import RunsFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("happened", "state"), [("yes", "succeeded"), ("no", "retry_wait")])
def test_the_answer_to_an_unknown_commit_lets_the_run_go_on(
    console: Client, runs_factory: RunsFactory, happened: str, state: str
) -> None:
    run = runs_factory.waiting_for_a_person()

    console.post(f"/admin/runs/run/{run.pk}/answer/", {"happened": happened, "note": "Looked at the shop"})

    run.refresh_from_db()
    assert run.state == state
    assert "Looked at the shop" in run.state_reason
    assert AuditLine.objects.get(action="run.answer").actor == "operator:anna"


def test_a_failure_is_open_until_it_is_resolved_with_a_note(
    console: Client, runs_factory: RunsFactory
) -> None:
    run = runs_factory.failed()
    path = f"/admin/runs/run/{run.pk}/resolve/"

    without_note = console.post(path, {"note": " "})
    before = console.get("/admin/runs/run/?attention=open").text
    console.post(path, {"note": "The shop had moved the button."})

    assert without_note.status_code == 422
    assert run.short_id in before
    assert run.short_id not in console.get("/admin/runs/run/?attention=open").text
    assert "The shop had moved the button." in console.get(f"/admin/runs/run/{run.pk}/change/").text


def test_a_run_is_pinned_and_let_go(console: Client, runs_factory: RunsFactory) -> None:
    run = runs_factory.succeeded()
    path = f"/admin/runs/run/{run.pk}/pin/"

    console.post(path, {"pinned": "yes"})
    pinned = console.get("/admin/runs/run/?attention=pinned").text
    console.post(path, {"pinned": "no"})

    assert run.short_id in pinned
    assert Run.objects.get().pinned_at is None
    assert console.get(path).status_code == 302  # asking by GET changes nothing


def test_a_question_is_answered_on_the_page_of_its_run(console: Client, runs_factory: RunsFactory) -> None:
    run = runs_factory.asking()
    page = console.get(f"/admin/runs/run/{run.pk}/change/")
    overview = console.get("/admin/").text

    refused = console.post(f"/admin/runs/run/{run.pk}/input/", {"params-code": "1"})
    console.post(f"/admin/runs/run/{run.pk}/input/", {"params-code": "246810"})

    assert page.context["page"].headline == "Needs your answer"
    assert 'type="password"' in page.text
    assert "Which code did the shop send?" in page.text
    assert "Which code did the shop send?" in overview
    assert refused.status_code == 422
    run.refresh_from_db()
    assert run.state == "retry_wait"
    after = console.get(f"/admin/runs/run/{run.pk}/change/").text
    assert "•••" in after
    assert "246810" not in after
    late = console.post(f"/admin/runs/run/{run.pk}/input/", {"params-code": "135791"}, follow=True)
    assert "asks nothing any more" in late.text


def test_only_who_may_answer_sees_the_form(runs_factory: RunsFactory) -> None:
    run = runs_factory.asking()
    viewer, operator = in_role("Viewer"), in_role("Operator")

    assert 'id="question"' not in viewer.get(f"/admin/runs/run/{run.pk}/change/").text
    assert viewer.post(f"/admin/runs/run/{run.pk}/input/", {"params-code": "246810"}).status_code == 403
    assert 'id="question"' in operator.get(f"/admin/runs/run/{run.pk}/change/").text


def test_a_failed_run_is_rerun_from_the_stage_it_failed_in(
    console: Client, runs_factory: RunsFactory
) -> None:
    run = runs_factory.failed_after_a_stage()
    form = console.get(f"/admin/runs/run/{run.pk}/rerun/")
    sent = {
        "params-city": "Riga",
        "params-count": "1",
        "evidence_level": "default",
        "from_stage": "download",
    }

    console.post(f"/admin/runs/run/{run.pk}/rerun/", sent)

    assert "Begin with" in form.text
    assert Run.objects.get(rerun_of=run).from_stage == "download"


def test_a_run_behind_another_one_s_commit_leads_to_it(console: Client, runs_factory: RunsFactory) -> None:
    first, second = runs_factory.waiting_for_a_commit()

    page = console.get(f"/admin/runs/run/{second.pk}/change/")

    assert page.context["page"].headline == "Waiting to hear about another run"
    assert f"/admin/runs/run/{first.pk}/change/" in page.text
