"""What an operator may do with runs, and that the server refuses the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra_shared.models import AuditLine
from runs.models import Run
from tests.support.console import client_with

if TYPE_CHECKING:
    from django.test import Client

    from tests.support.runs_factory import RunsFactory

pytestmark = pytest.mark.django_db
OPTIONS = {"customer": "main", "evidence_level": "default"}


def test_a_rerun_begins_with_the_params_of_the_run_and_takes_changed_ones(
    console: Client, runs_factory: RunsFactory
) -> None:
    run = runs_factory.failed()
    url = f"/admin/runs/run/{run.pk}/rerun/"

    asked = console.get(url)
    form = asked.context["form"]
    response = console.post(url, {"params-city": "Oslo", "params-count": "2", **OPTIONS})

    assert f"run {run.short_id}</a> for Main" in asked.text
    assert form["city"].value() == "Riga"
    made = Run.objects.get(rerun_of=run)
    assert response.headers["Location"] == f"/admin/runs/run/{made.pk}/change/"
    assert (made.params, made.requested_by) == ({"city": "Oslo", "count": 2}, "operator:anna")
    assert AuditLine.objects.get(action="run.rerun").actor == "operator:anna"


def test_params_that_do_not_fit_are_shown_at_their_field_and_make_no_run(
    console: Client, runs_factory: RunsFactory
) -> None:
    automation = runs_factory.version.automation

    response = console.post(
        f"/admin/automations/automation/{automation.pk}/run/",
        {"params-city": "", "params-count": "0", **OPTIONS},
    )

    assert response.status_code == 422
    assert set(response.context["form"].errors) == {"city", "count"}
    assert not Run.objects.exists()


def test_run_now_asks_for_a_run(console: Client, runs_factory: RunsFactory) -> None:
    automation = runs_factory.version.automation

    console.post(
        f"/admin/automations/automation/{automation.pk}/run/",
        {"params-city": "Riga", "params-count": "", "priority": "40", **OPTIONS},
    )

    run = Run.objects.get()
    assert (run.params, run.cause, run.priority) == ({"city": "Riga", "count": 1}, "operator", 40)


def test_a_waiting_run_is_cancelled_with_the_reason_given(console: Client, runs_factory: RunsFactory) -> None:
    run = runs_factory.requested()

    console.post(f"/admin/runs/run/{run.pk}/cancel/", {"reason": "Not needed any more"})

    run.refresh_from_db()
    assert (run.state, run.state_reason) == ("cancelled", "Not needed any more")


def test_who_may_only_look_sees_no_button_and_is_refused(runs_factory: RunsFactory) -> None:
    run = runs_factory.failed()
    viewer = client_with("runs.view_run")

    page = viewer.get(f"/admin/runs/run/{run.pk}/change/")
    refused = viewer.post(f"/admin/runs/run/{run.pk}/rerun/", {"params-city": "Oslo", **OPTIONS})

    assert "/rerun/" not in page.text
    assert refused.status_code == 403
    assert Run.objects.count() == 1


def test_staff_without_permission_sees_no_run(runs_factory: RunsFactory) -> None:
    run = runs_factory.failed()
    stranger = client_with()

    statuses = [
        stranger.get(path).status_code
        for path in (
            "/admin/runs/run/",
            f"/admin/runs/run/{run.pk}/change/",
            f"/admin/runs/run/{run.pk}/live/",
            f"/admin/runs/run/{run.pk}/result.json",
            f"/admin/artifacts/{run.artifacts.all()[0].pk}/view/",
        )
    ]

    assert statuses == [403] * 5
