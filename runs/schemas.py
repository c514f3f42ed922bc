"""What the API takes and says of runs and what belongs to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import HeaderEx, P, Schema
from pydantic import ConfigDict, Field

from automations.models import DEFAULT_CUSTOMER, HIGHEST_PRIORITY, LOWEST_PRIORITY
from infra_shared.api.input import JsonObject, Text
from infra_shared.moments import Moment
from runs.models import Artifact, Attempt, Occurrence, OccurrenceState, Run, Step, Transition
from runs.services.backfills import BackfillPlan
from runs.states import Cause, RunState
from webgraph.recorder import EvidenceLevel
from webgraph.session import Provenance

IdempotencyKey = HeaderEx[
    str | None,
    P(
        alias="Idempotency-Key",
        description=(
            "Any text of up to 255 characters that names this request. Sent again with the same body it answers 200 "
            "with the same run instead of making another; with another body it answers 409. Kept for 7 days or longer."
        ),
    ),
]


class _Input(Schema):
    model_config = ConfigDict(extra="forbid")


class RunIn(_Input):
    """A request for a run."""

    automation: Text = Field(max_length=100, description="Key of the automation.", examples=["page-snapshot"])
    params: JsonObject = Field(
        default_factory=dict,
        description=(
            "What the automation's `params_schema` asks for. What is `writeOnly` there is kept encrypted until the run "
            "has ended, and shown as •••."
        ),
        examples=[{"url": "https://example.com/"}],
    )
    customer: Text = Field(DEFAULT_CUSTOMER, max_length=63, description="On whose behalf it happens.")
    evidence_level: EvidenceLevel | None = Field(
        None, description="How much it keeps; null: as the automation says."
    )
    due_at: Moment | None = Field(None, description="Not before this moment (with a UTC offset); null: now.")
    priority: int = Field(0, ge=LOWEST_PRIORITY, le=HIGHEST_PRIORITY, description="Higher goes first.")


class RerunIn(_Input):
    """What a rerun changes."""

    params: JsonObject | None = Field(None, description="All params anew; null: those of the first run.")
    secret_params: JsonObject | None = Field(
        None,
        description="What the run shows as •••, by name: it was not kept. Not needed for what stands in `params`.",
        json_schema_extra={"writeOnly": True},
    )
    evidence_level: EvidenceLevel | None = Field(None, description="Null: as in the first run.")
    from_stage: Text = Field(
        "",
        max_length=100,
        description=(
            "Name of the stage to begin with: what is before it is not done again, and params stay as they are. "
            "Possible for some days after a run that did not succeed. Empty: the first stage."
        ),
    )


class CancelIn(_Input):
    """Why a run is cancelled."""

    reason: Text = Field("", max_length=500, description="Kept in the run's log.")


class RunFilters(Schema):
    """Which runs to list; all that are given must hold."""

    state: RunState | None = None
    automation: Text | None = Field(None, description="Key of the automation.")
    customer: Text | None = Field(None, description="Key of the customer.")
    cause: Cause | None = None
    session: Provenance | None = Field(None, description="How an attempt of it came to be signed in.")
    root: UUID | None = Field(None, description="This run and all reruns that go back to it.")
    created_after: Moment | None = Field(None, description="Created at this moment or later.")
    created_before: Moment | None = Field(None, description="Created before this moment.")


class FailureOut(Schema):
    """Why a run or an attempt failed."""

    kind: str = Field(description="One word, such as `target_not_found`; empty where no attempt began.")
    message: str
    stage: str = Field(description="The stage it failed in; empty when it was in none.")

    @classmethod
    def of(cls, row: Run | Attempt) -> FailureOut | None:
        """The failure a row records; None when it records none."""
        if not row.failure_kind and not row.failure_message:
            return None
        return cls(kind=row.failure_kind, message=row.failure_message, stage=row.failed_stage)


class RunOut(Schema):
    """One requested execution of an automation."""

    id: UUID
    automation: str
    version: int
    customer: str
    state: RunState
    state_reason: str = Field(description="Why it is in this state, in words.")
    failure: FailureOut | None = Field(
        description="Why it failed, or why its latest attempt did while it is still tried."
    )
    cause: Cause
    cause_ref: str = Field(description="What caused it, as an opaque reference.")
    requested_by: str
    params: dict[str, Any]
    evidence_level: EvidenceLevel
    priority: int
    queue: str
    rerun_of: UUID | None
    from_stage: str = Field(description="The stage a rerun began with; empty: the first.")
    root: UUID | None = Field(description="The first run of its chain of reruns; null when it is no rerun.")
    attempts_made: int
    max_attempts: int
    has_result: bool
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime = Field(description="When waiting for the next attempt to begin ends.")
    cancel_requested_at: datetime | None
    duration_seconds: float | None = Field(description="From the first attempt's start to the end.")

    @classmethod
    def of(cls, run: Run) -> RunOut:
        """The item for a run, fetched with its automation, version and customer."""
        return cls(
            id=run.pk,
            automation=run.automation.key,
            version=run.version.number,
            customer=run.customer.key,
            state=RunState(run.state),
            state_reason=run.state_reason,
            failure=FailureOut.of(run),
            cause=Cause(run.cause),
            cause_ref=run.cause_ref,
            requested_by=run.requested_by,
            params=run.params,
            evidence_level=EvidenceLevel(run.evidence_level),
            priority=run.priority,
            queue=run.queue,
            rerun_of=run.rerun_of_id,
            from_stage=run.from_stage,
            root=run.root_id,
            attempts_made=run.attempts_made,
            max_attempts=run.max_attempts,
            has_result=run.result is not None or run.result_artifact_id is not None,
            created_at=run.created_at,
            started_at=run.started_at,
            finished_at=run.finished_at,
            expires_at=run.expires_at,
            cancel_requested_at=run.cancel_requested_at,
            duration_seconds=run.duration.total_seconds() if run.duration else None,
        )


class AttemptOut(Schema):
    """One try at a run."""

    number: int
    state: str
    counts: bool = Field(description="Whether it counts towards `max_attempts`.")
    resumed_after: str = Field(
        description="The stage of an earlier attempt it went on after; empty: it began with the first."
    )
    resume_refusal: str = Field(description="Why it started over instead of going on; empty: it had not to.")
    session: str = Field(
        description="How it came to be signed in, where its automation shares a signed-in session: `fresh`, `cached`, "
        "`refreshed`, or `degraded` when its session could not be kept; else empty."
    )
    session_note: str = Field(description="Since when the session was kept, or why it could not be.")
    version: int | None = Field(description="The version it executed; null before it began.")
    worker: str = Field(description="Node and process.")
    browser: dict[str, Any]
    failure: FailureOut | None
    due_at: datetime
    started_at: datetime | None
    deadline_at: datetime | None
    finished_at: datetime | None
    duration_seconds: float | None

    @classmethod
    def of(cls, attempt: Attempt) -> AttemptOut:
        """The item for an attempt, fetched with the version it executed."""
        return cls(
            number=attempt.number,
            state=attempt.state,
            counts=not attempt.free,
            resumed_after=attempt.resumed_after,
            resume_refusal=attempt.resume_refusal,
            session=attempt.session,
            session_note=attempt.session_note,
            version=attempt.executed_version.number if attempt.executed_version else None,
            worker=attempt.worker_name,
            browser=attempt.browser,
            failure=FailureOut.of(attempt),
            due_at=attempt.due_at,
            started_at=attempt.started_at,
            deadline_at=attempt.deadline_at,
            finished_at=attempt.finished_at,
            duration_seconds=attempt.duration.total_seconds() if attempt.duration else None,
        )


class StepOut(Schema):
    """One supervised action."""

    attempt: int = Field(description="Number of its attempt.")
    index: int = Field(description="Counts from 1 within the attempt.")
    stage: str
    action: str
    description: str
    target: dict[str, Any] | None
    url: str
    succeeded: bool | None = Field(
        description="Null while it is under way, or when its attempt was lost in the middle of it."
    )
    tier: str = Field(description="Which representation found the target: `dom`, `axtree` or `vision`.")
    failure_kind: str
    message: str
    decisions: list[dict[str, Any]] = Field(description="One entry for each tier that was asked.")
    started_at: datetime
    finished_at: datetime | None
    duration_seconds: float | None

    @classmethod
    def of(cls, step: Step) -> StepOut:
        """The item for a step, fetched with its attempt."""
        return cls(
            attempt=step.attempt.number,
            index=step.index,
            stage=step.stage,
            action=step.action,
            description=step.description,
            target=step.target,
            url=step.url,
            succeeded=step.succeeded,
            tier=step.tier,
            failure_kind=step.failure_kind,
            message=step.message,
            decisions=step.decisions,
            started_at=step.started_at,
            finished_at=step.finished_at,
            duration_seconds=step.duration_seconds,
        )


class ArtifactOut(Schema):
    """A file an attempt used or left, or the record that it is missing."""

    id: UUID
    run: UUID
    attempt: int | None = Field(description="Number of its attempt.")
    step: int | None = Field(description="Index of its step; null for what belongs to the whole attempt.")
    stage: str
    kind: str = Field(examples=["step_picture"])
    name: str
    content_type: str = Field(description="What it is; how it is served is decided by its kind.")
    size_bytes: int
    sha256: str | None = Field(description="Of the content; null when it is missing.")
    missing_reason: str = Field(description="Why there is no content; empty when there is.")
    quarantined_at: datetime | None = Field(
        description="When it was set aside, encrypted and served to nobody, because it holds a secret."
    )
    meta: dict[str, Any]
    captured_at: datetime

    @classmethod
    def of(cls, artifact: Artifact) -> ArtifactOut:
        """The item for an artifact, fetched with its attempt and step."""
        return cls(
            id=artifact.pk,
            run=artifact.run_id,
            attempt=artifact.attempt.number if artifact.attempt else None,
            step=artifact.step.index if artifact.step else None,
            stage=artifact.stage,
            kind=artifact.kind,
            name=artifact.name,
            content_type=artifact.content_type,
            size_bytes=artifact.size_bytes,
            sha256=artifact.blob_id,
            missing_reason=artifact.missing_reason,
            quarantined_at=artifact.quarantined_at,
            meta=artifact.meta,
            captured_at=artifact.captured_at,
        )


class TransitionOut(Schema):
    """One move of a run or of one of its attempts."""

    attempt: int | None = Field(description="Number of the attempt; null for a move of the run itself.")
    from_state: str = Field(description="Empty for the first one.")
    to_state: str
    actor: str
    reason: str
    at: datetime

    @classmethod
    def of(cls, move: Transition) -> TransitionOut:
        """The item for a transition, fetched with its attempt."""
        return cls(
            attempt=move.attempt.number if move.attempt else None,
            from_state=move.from_state,
            to_state=move.to_state,
            actor=move.actor,
            reason=move.reason,
            at=move.at,
        )


class BackfillIn(_Input):
    """Which planned times to fill in."""

    begin: Moment = Field(description="From this moment on.")
    end: Moment = Field(description="Before this moment.")
    dry_run: bool = Field(True, description="Only count and list what is missing; false: let it fire.")


class BackfillOut(Schema):
    """What a range of planned times has and lacks."""

    begin: datetime
    end: datetime
    dry_run: bool = Field(description="True: nothing was asked for.")
    planned: int = Field(description="How many planned times the range has.")
    present: dict[str, int] = Field(description="How many of them have fired, or wait to, by state.")
    missing: list[datetime] = Field(description="Those that never fired; without `dry_run`, they fire now.")

    @classmethod
    def of(cls, plan: BackfillPlan, *, dry_run: bool) -> BackfillOut:
        """The answer for a backfill."""
        return cls(
            begin=plan.begin,
            end=plan.end,
            dry_run=dry_run,
            planned=plan.planned,
            present=dict(plan.present),
            missing=list(plan.missing),
        )


class OccurrenceOut(Schema):
    """One planned time of a schedule and what became of it."""

    fire_at: datetime
    due_at: datetime = Field(description="The planned time and the offset by which the schedule was spread.")
    state: OccurrenceState
    reason: str
    run: UUID | None = Field(description="The run it fired.")
    backfill: bool = Field(description="Whether it was filled in afterwards.")
    handled_at: datetime
    lateness_seconds: float = Field(description="From `due_at` to `handled_at`.")

    @classmethod
    def of(cls, occurrence: Occurrence) -> OccurrenceOut:
        """The item for an occurrence."""
        return cls(
            fire_at=occurrence.fire_at,
            due_at=occurrence.due_at,
            state=OccurrenceState(occurrence.state),
            reason=occurrence.reason,
            run=occurrence.run_id,
            backfill=occurrence.backfill,
            handled_at=occurrence.handled_at,
            lateness_seconds=occurrence.lateness.total_seconds(),
        )


class OccurrenceFilters(Schema):
    """Which occurrences to list."""

    state: OccurrenceState | None = None
