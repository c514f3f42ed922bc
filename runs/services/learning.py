"""What a run that succeeded teaches: how its targets looked, and which of them could be written anew.

Nothing is learned from a failure: what it clicked may have been the wrong thing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q

from automations.services.fingerprints import Sighting, learn
from automations.services.healing import SeenHeal, note_heals
from runs.models import Artifact, Run, Step
from runs.states import RunState
from webgraph.recorder import ArtifactKind
from webgraph.target import Target

if TYPE_CHECKING:
    from uuid import UUID

_SHOWN = (ArtifactKind.STEP_BEFORE.value, ArtifactKind.STEP_PICTURE.value)


@transaction.atomic
def learn_from_success(*, run_id: UUID) -> None:
    """Learn what the steps of a successful run saw; of any other run, or a second time, nothing."""
    run = Run.objects.filter(pk=run_id, state=RunState.SUCCEEDED).first()
    if run is None:
        return
    steps = Step.objects.filter(attempt__run=run, succeeded=True).order_by("attempt__number", "index")
    telling = list(steps.filter(Q(fingerprint__isnull=False) | Q(heal__isnull=False)))
    if not telling:
        return
    shown = _pictures(run, telling)
    learn(
        automation_id=run.automation_id,
        run_id=run.pk,
        sightings=[
            Sighting(key=step.fingerprint_key, sight=step.fingerprint, picture=shown.get(step.pk))
            for step in telling
            if step.fingerprint
        ],
    )
    note_heals(
        automation_id=run.automation_id,
        run_id=run.pk,
        heals=[_seen(step, shown.get(step.pk)) for step in telling if step.heal],
    )
    # What is learned is not kept twice: a row for each step of every run would cost more than all the rest of it.
    Step.objects.filter(pk__in=[step.pk for step in telling]).update(fingerprint=None)


def _seen(step: Step, picture: UUID | None) -> SeenHeal:
    heal = step.heal or {}
    return SeenHeal(
        key=heal["key"],
        stage=step.stage,
        # Without what was typed, which differs from run to run.
        description=f"{step.action.replace('_', ' ').capitalize()} {Target.model_validate(heal['old'])}",
        tier=step.tier,
        old=heal["old"],
        new=heal["new"],
        seen=heal["seen"],
        picture=picture,
    )


def _pictures(run: Run, steps: list[Step]) -> dict[int, UUID]:
    """For each step the picture that shows the page as the step found it: its own, else the one before's.

    Places of elements are measured before the act, so only such a picture shows them there.
    """
    rows = Artifact.objects.stored().filter(run=run, kind__in=_SHOWN, step__isnull=False)
    found: dict[tuple[int | None, int], UUID] = {}
    for pk, attempt_id, kind, index in rows.values_list("pk", "attempt_id", "kind", "step__index"):
        at = index if kind == ArtifactKind.STEP_BEFORE else index + 1
        if kind == ArtifactKind.STEP_BEFORE or (attempt_id, at) not in found:
            found[attempt_id, at] = pk
    return {
        step.pk: found[step.attempt_id, step.index]
        for step in steps
        if (step.attempt_id, step.index) in found
    }
