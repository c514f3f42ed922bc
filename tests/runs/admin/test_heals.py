"""Heal proposals in the console: what is shown, who may decide, and what is served of pictures."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from automations.models import HealProposal, HealState
from runs.models import Step
from runs.services.learning import learn_from_success
from tests.support.heals import proposed
from tests.support.operators import in_role

if TYPE_CHECKING:
    from django.test import Client

    from tests.support.runs_factory import RunsFactory

pytestmark = pytest.mark.django_db


def page_of(proposal: HealProposal, name: str = "change") -> str:
    return f"/admin/automations/healproposal/{proposal.pk}/{name}/"


def test_the_page_shows_both_pictures_the_change_and_the_runs(
    console: Client, runs_factory: RunsFactory
) -> None:
    proposal = proposed(runs_factory)

    text = console.get(page_of(proposal)).text

    assert f"/{proposal.pk}/before.jpg" in text
    assert f"/{proposal.pk}/now.jpg" in text
    assert "nav a" in text
    assert f"/admin/runs/run/{proposal.last_run}/change/" in text


def test_a_picture_is_cut_around_the_control(console: Client, runs_factory: RunsFactory) -> None:
    proposal = proposed(runs_factory)

    answer = console.get(f"/admin/automations/healproposal/{proposal.pk}/now.jpg")

    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    image = Image.open(io.BytesIO(answer.content))
    assert image.size == (440, 180)
    red, green, _ = image.convert("RGB").split()
    framing = zip(red.tobytes(), green.tobytes(), strict=True)
    assert sum(one > 200 and other < 120 for one, other in framing) > 100


@pytest.mark.parametrize("which", ["before", "now", "elsewhere"])
def test_a_picture_that_is_gone_is_not_there(console: Client, runs_factory: RunsFactory, which: str) -> None:
    proposal = proposed(runs_factory)
    HealProposal.objects.update(
        before_picture=None, seen={**proposal.seen, "box": [10, 900, 5, 5, 1280, 800]}
    )

    assert console.get(f"/admin/automations/healproposal/{proposal.pk}/{which}.jpg").status_code == 404
    assert "No earlier success kept a picture of it." in console.get(page_of(proposal)).text


def test_an_operator_adopts_and_a_viewer_may_not(runs_factory: RunsFactory) -> None:
    proposal = proposed(runs_factory)
    viewer, operator = in_role("Viewer"), in_role("Operator")
    path = page_of(proposal, "adopt")

    assert path in operator.get(page_of(proposal)).text
    assert path not in viewer.get(page_of(proposal)).text
    assert viewer.post(path, {"reason": "no"}).status_code == 403
    operator.post(path, {"reason": "The menu moved."})

    proposal.refresh_from_db()
    assert (proposal.state, proposal.decided_by, proposal.reason) == (
        HealState.ADOPTED,
        "operator:operator",
        "The menu moved.",
    )
    assert "version 1" in viewer.get(page_of(proposal)).text


def test_a_decision_that_came_too_late_says_what_became_of_it(runs_factory: RunsFactory) -> None:
    proposal = proposed(runs_factory)
    operator = in_role("Operator")
    operator.post(page_of(proposal, "refuse"), {"reason": ""})

    answer = operator.post(page_of(proposal, "adopt"), {"reason": ""}, follow=True)

    assert "This proposal is refused already, by operator:operator." in answer.text


def test_proposals_are_for_operators_who_reach_every_customer(runs_factory: RunsFactory) -> None:
    proposal = proposed(runs_factory)
    client = in_role("Admin", customers=["main"])

    assert client.get(page_of(proposal)).status_code in {403, 404}
    assert "Targets found another way" not in client.get("/admin/").text
    assert client.post(page_of(proposal, "adopt"), {"reason": ""}).status_code in {403, 404}


def test_the_overview_and_the_step_lead_to_the_proposal(console: Client, runs_factory: RunsFactory) -> None:
    proposal = proposed(runs_factory)
    step = Step.objects.get(heal__isnull=False)
    run_id = step.attempt.run_id
    learn_from_success(run_id=run_id)

    assert page_of(proposal) in console.get("/admin/").text
    assert page_of(proposal) in console.get(f"/admin/runs/run/{run_id}/steps/{step.pk}/").text
