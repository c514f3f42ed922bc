"""What a run teaches the next ones: only a success does, and only once."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest

from automations.models import HealProposal, TargetFingerprint
from automations.services.fingerprints import known_fingerprints
from infra_shared.database import database_now
from runs.models import Artifact, Step
from runs.services import recording
from runs.services.learning import learn_from_success
from webgraph.recorder import Heal, StepOutcome, Tier

if TYPE_CHECKING:
    from tests.support.runs_factory import RunsFactory

pytestmark = pytest.mark.django_db

KEY = "shop-invoices/read/1"
SIGHT = {"role": "button", "name": "Invoices", "box": [10, 20, 90, 30, 1280, 800]}
HEAL = Heal(key=KEY, old={"css": ["#step-2"]}, new={"css": ["nav a", "#step-2"]}, seen=SIGHT)


def test_a_success_is_learned_once_with_the_picture_that_shows_the_control(runs_factory: RunsFactory) -> None:
    claim = runs_factory.claimed()
    runs_factory.finish(claim)
    Step.objects.filter(index=2).update(fingerprint=SIGHT, fingerprint_key=KEY)

    learn_from_success(run_id=claim.attempt.run_id)
    learn_from_success(run_id=claim.attempt.run_id)

    before = Artifact.objects.get(run_id=claim.attempt.run_id, step__index=1, kind="step_picture")
    assert TargetFingerprint.objects.get().picture == before.pk
    assert known_fingerprints(automation_id=claim.attempt.run.automation_id) == {
        KEY: {**SIGHT, "successes": 1}
    }
    assert Step.objects.filter(fingerprint__isnull=False).count() == 0


def test_nothing_is_learned_from_a_failure(runs_factory: RunsFactory) -> None:
    run = runs_factory.failed()
    Step.objects.filter(attempt__run=run, index=1).update(
        fingerprint=SIGHT, fingerprint_key=KEY, heal=asdict(HEAL)
    )

    learn_from_success(run_id=run.pk)

    assert not TargetFingerprint.objects.exists()
    assert not HealProposal.objects.exists()


def test_a_heal_is_proposed_with_pictures_from_before_and_now(runs_factory: RunsFactory) -> None:
    earlier, now = runs_factory.succeeded(), runs_factory.succeeded()
    steps = Step.objects.filter(index=2)
    steps.filter(attempt__run=earlier).update(fingerprint=SIGHT, fingerprint_key=KEY)
    learn_from_success(run_id=earlier.pk)
    steps.filter(attempt__run=now).update(heal=asdict(HEAL), tier="axtree")

    learn_from_success(run_id=now.pk)

    proposal = HealProposal.objects.get()
    assert (proposal.before_box, proposal.seen["box"]) == (SIGHT["box"], SIGHT["box"])
    shown = Artifact.objects.filter(pk__in=[proposal.before_picture, proposal.after_picture])
    assert {picture.run_id for picture in shown} == {earlier.pk, now.pk}


def test_an_outcome_is_kept_whole_with_its_step(runs_factory: RunsFactory) -> None:
    claim = runs_factory.claimed()
    runs_factory.step(claim, 2)
    outcome = StepOutcome(
        index=2,
        succeeded=True,
        finished_at=database_now(),
        duration_seconds=0.2,
        url="http://shop.example/",
        tier=Tier.AXTREE,
        heal=HEAL,
        changed=True,
    )

    recording.step_finished(claim=claim, step=outcome)

    step = Step.objects.get()
    assert (step.changed, step.heal, step.fingerprint) == (True, asdict(HEAL), None)
