"""What a worker writes while it works: stages, steps and artifacts, each with the attempt's fence.

Every function may be repeated with the same arguments: after a lost connection a writer cannot know whether its
commit arrived.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from django.db import transaction

from infra_shared.database import database_now
from infra_shared.services.blobs import remember_blob
from runs.commits import may_have_happened
from runs.models import Artifact, Attempt, AttemptStage, CommitGuard, CommitOutcome, Step
from runs.services import alerts, guards, questions, resuming
from runs.services.claims import Claim, locked_attempt
from webgraph.recorder import Effect

if TYPE_CHECKING:
    from uuid import UUID

    from infra_shared.blobs.protocol import BlobInfo
    from webgraph.recorder import (
        Evidence,
        EvidenceGap,
        Resumed,
        StageEnd,
        StageStart,
        StepIntent,
        StepOutcome,
    )


@transaction.atomic
def stage_started(*, claim: Claim, stage: StageStart) -> CommitGuard | None:
    """Write that a stage begins, durable when this returns; LostClaimError when the attempt moved on.

    For a commit its guard is written with it. Returns the guard of another attempt that stands in the way: this one
    must not act then.
    """
    attempt = locked_attempt(claim)
    facts: dict[str, Any] = {
        "name": stage.name,
        "effect": stage.effect.value,
        "started_at": stage.started_at,
    }
    standing = None
    if stage.effect is Effect.COMMIT:
        standing = guards.begin(attempt=attempt, run=claim.attempt.run, stage=stage)
    if standing is not None:
        if standing.outcome == CommitOutcome.UNDECIDED:
            return standing
        facts |= {"happened_before": standing, "finished_at": stage.started_at, "succeeded": True}
    AttemptStage.objects.get_or_create(attempt=attempt, position=stage.position, defaults=facts)
    return standing


@transaction.atomic
def stage_finished(*, claim: Claim, stage: StageEnd) -> None:
    """Write a stage's end, its checkpoint, and for a commit whether it happened."""
    attempt = locked_attempt(claim)
    AttemptStage.objects.filter(attempt=attempt, position=stage.position).update(
        finished_at=stage.finished_at, succeeded=stage.succeeded
    )
    if not stage.succeeded:
        return
    guard = CommitGuard.objects.filter(attempt=attempt, stage=stage.name).first()
    if guard is not None:
        # A stage whose condition did not hold ends well too, and has done nothing that must not be done again.
        steps = attempt.steps.filter(stage=stage.name).values_list("action", "succeeded", "failure_kind")
        acted = may_have_happened(steps)
        actor = f"worker:{attempt.worker_name}"
        after = _left(stage) if acted else None
        guards.decide(guard=guard, happened=acted, actor=actor, now=database_now(), after=after)
    if stage.checkpoint is not None:
        resuming.keep(attempt=attempt, taken=stage.checkpoint)
    questions.forget_secrets(run_id=attempt.run_id, stage=stage.name)


@transaction.atomic
def resumed(*, claim: Claim, item: Resumed) -> None:
    """Write after which stage of which attempt this one goes on, or why it starts over."""
    attempt = locked_attempt(claim)
    left = resuming.newest(run=claim.attempt.run)
    Attempt.objects.filter(pk=attempt.pk).update(
        resumed_from=left.attempt if left is not None else None,
        resumed_after="" if item.refusal else item.stage,
        resume_refusal=item.refusal[:500],
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
    facts = {"size_bytes": blob.size_bytes, "blob": remember_blob(blob)}
    return _written(attempt, artifact_id, item, step_id, facts)[0]


@transaction.atomic
def artifact_quarantined(
    *, claim: Claim, artifact_id: UUID, item: Evidence, sealed: BlobInfo, reason: str, step_id: int | None
) -> Artifact:
    """Write that an artifact was set aside, encrypted, as it holds a secret; with an alert to the operators."""
    attempt = locked_attempt(claim)
    facts = {
        "size_bytes": len(item.body),
        "missing_reason": f"It is quarantined. {reason}"[:500],
        "quarantined_at": database_now(),
        "quarantine_reason": reason[:500],
        "sealed_blob": remember_blob(sealed),
    }
    artifact, is_new = _written(attempt, artifact_id, item, step_id, facts)
    if is_new:
        alerts.alert_quarantine(claim.attempt.run, artifact)
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


def _written(
    attempt: Attempt, artifact_id: UUID, item: Evidence, step_id: int | None, facts: dict[str, Any]
) -> tuple[Artifact, bool]:
    """The row of what was captured, with what is known of its bytes, and whether it was written only now."""
    captured = {
        "run_id": attempt.run_id,
        "attempt": attempt,
        "step_id": step_id,
        "stage": item.stage,
        "kind": item.kind.value,
        "name": item.name[:255],
        "content_type": item.content_type,
        "meta": item.meta,
        "captured_at": item.captured_at,
    }
    return Artifact.objects.get_or_create(pk=artifact_id, defaults=captured | facts)


def _left(stage: StageEnd) -> dict[str, Any]:
    """What a commit left behind, for whoever must not do it again: never the browser's cookies."""
    left: dict[str, Any] = {"state": stage.state, "value": stage.value}
    if stage.checkpoint is not None:
        left |= {"url": stage.checkpoint.url, "page": stage.checkpoint.page}
    return left
