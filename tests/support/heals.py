"""A heal proposal as two runs would leave it: one that found its target as written, one that did not."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from automations.models import HealProposal
from runs.models import Step
from runs.services.learning import learn_from_success
from webgraph.recorder import Heal

if TYPE_CHECKING:
    from tests.support.runs_factory import RunsFactory

KEY = "shop-invoices/read/1"
BOX = [278, 118, 190, 24, 1280, 800]
SIGHT = {"role": "link", "name": "Invoices", "namesakes": 0, "box": BOX}
HEAL = Heal(
    key=KEY,
    old={"css": ["#step-2"], "role": "link", "name": "Invoices"},
    new={"css": ["nav a", "#step-2"], "role": "link", "name": "Invoices"},
    seen=SIGHT,
)


def proposed(factory: RunsFactory) -> HealProposal:
    """An open proposal with a picture from before and one from now."""
    earlier, now = factory.succeeded(), factory.succeeded()
    steps = Step.objects.filter(index=2)
    steps.filter(attempt__run=earlier).update(fingerprint=SIGHT, fingerprint_key=KEY)
    learn_from_success(run_id=earlier.pk)
    steps.filter(attempt__run=now).update(heal=asdict(HEAL), tier="axtree")
    learn_from_success(run_id=now.pk)
    return HealProposal.objects.get()
