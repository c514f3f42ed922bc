"""What a worker writes while it works: stages, steps and artifacts, each with the attempt's fence.

Every function may be repeated with the same arguments: after a lost connection a writer cannot know whether its
commit arrived.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from django.db import transaction

from infra_shared.services.blobs import remember_blob
from runs.models import Artifact, AttemptStage, Step
from runs.services.claims import Claim, locked_attempt

if TYPE_CHECKING:
    from uuid import UUID

    from infra_shared.blobs.protocol import BlobInfo
    from webgraph.recorder import Evidence, EvidenceGap, StageEnd, StageStart, StepIntent, StepOutcome


@transaction.atomic
def stage_started(*, claim: Claim, stage: StageStart) -> None:
    """Write that a stage begins, durable when this returns; LostClaimError when the attempt moved on."""
    AttemptStage.objects.get_or_create(
        attempt=locked_attempt(claim),
        position=stage.position,
        defaults={"name": stage.name, "effect": stage.effect.value, "started_at": stage.started_at},
    )


@transaction.atomic
def stage_finished(*, claim: Claim, stage: StageEnd) -> None:
    """Write a stage's end."""
    attempt = locked_attempt(claim)
    AttemptStage.objects.filter(attempt=attempt, position=stage.position).update(
        finished_at=stage.finished_at, succeeded=stage.succeeded
    )


@transaction.atomic
def step_started(*, claim: Claim, step: StepIntent) -> int:
    """Write a step's intent and return its key; LostClaimError forbids the step."""
    row, _ = Step.objects.get_or_create(
        attempt=locked_attempt(claim),
        index=step.index,
        defaults={
            "stage": step.stage,
            "action": step.action,
            "description": step.description,
            "target": step.target,
            "url": step.url,
            "started_at": step.started_at,
        },
    )
    return row.pk


@transaction.atomic
def step_finished(*, claim: Claim, step: StepOutcome) -> None:
    """Write a step's outcome."""
    Step.objects.filter(attempt=locked_attempt(claim), index=step.index).update(
        succeeded=step.succeeded,
        finished_at=step.finished_at,
        duration_seconds=step.duration_seconds,
        url=step.url,
        tier=step.tier.value if step.tier else "",
        failure_kind=step.failure_kind.value if step.failure_kind else "",
        message=step.message,
        decisions=list(step.decisions),
        changed=step.changed,
        fingerprint_key=step.fingerprint_key,
        fingerprint=step.fingerprint,
        heal=asdict(step.heal) if step.heal else None,
    )


@transaction.atomic
def artifact_stored(
    *, claim: Claim, artifact_id: UUID, item: Evidence, blob: BlobInfo, step_id: int | None
) -> Artifact:
    """Write the row of an artifact whose bytes are in the store."""
    attempt = locked_attempt(claim)
    row = remember_blob(blob)
    artifact, _ = Artifact.objects.get_or_create(
        pk=artifact_id,
        defaults={
            "run_id": attempt.run_id,
            "attempt": attempt,
            "step_id": step_id,
            "stage": item.stage,
            "kind": item.kind.value,
            "name": item.name[:255],
            "content_type": item.content_type,
            "size_bytes": blob.size_bytes,
            "blob": row,
            "meta": item.meta,
            "captured_at": item.captured_at,
        },
    )
    return artifact


@transaction.atomic
def artifact_missing(*, claim: Claim, artifact_id: UUID, gap: EvidenceGap, step_id: int | None) -> Artifact:
    """Write that an artifact is missing, and why."""
    attempt = locked_attempt(claim)
    artifact, _ = Artifact.objects.get_or_create(
        pk=artifact_id,
        defaults={
            "run_id": attempt.run_id,
            "attempt": attempt,
            "step_id": step_id,
            "stage": gap.stage,
            "kind": gap.kind.value,
            "name": gap.kind.value,
            "content_type": "",
            "missing_reason": gap.reason[:500] or "It could not be captured.",
            "captured_at": gap.captured_at,
        },
    )
    return artifact
