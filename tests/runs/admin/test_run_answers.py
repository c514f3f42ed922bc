"""What a person says about a run, and what leaves the console with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra_shared.models import AuditLine
from runs.models import Run

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
