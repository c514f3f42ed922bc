"""A run as a document that another installation can read: `bundle.json` of a run's archive.

Written from rows and read back into rows, so the names are those of the columns. What is encrypted here has no field there:
secret params, answers, checkpoints and what a commit left behind stay where they are, and so does what is quarantined.
Lengths and choices are checked against the models when rows are made of it.
"""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from infra_shared.moments import KeptMoment

DOCUMENT = "bundle.json"


class _Part(BaseModel):
    # Unknown fields are a newer release's: better refused than lost without a word.
    model_config = ConfigDict(extra="forbid", from_attributes=True, frozen=True)


class StageWords(BaseModel):
    """A stage as its version declares it."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str
    title: str = ""
    effect: str


class VersionPart(_Part):
    """What was run. Its source is not part of it: what came as a file must not be run because it came."""

    number: int
    digest: str = Field(pattern=r"^[0-9a-z-]{1,64}$")
    params_schema: dict[str, Any]
    result_schema: dict[str, Any]
    stages: list[StageWords]
    options: dict[str, Any]


class StagePart(_Part):
    """One stage an attempt entered."""

    position: int
    name: str
    effect: str
    started_at: KeptMoment
    finished_at: KeptMoment | None
    succeeded: bool | None


class StepPart(_Part):
    """One step."""

    index: int
    stage: str
    action: str
    description: str
    target: dict[str, Any] | None
    started_at: KeptMoment
    finished_at: KeptMoment | None
    duration_seconds: float | None
    succeeded: bool | None
    tier: str
    url: str
    failure_kind: str
    message: str
    decisions: list[dict[str, Any]]
    changed: bool | None
    heal: dict[str, Any] | None


class AttemptFacts(_Part):
    """The columns of one attempt."""

    number: int
    state: str
    free: bool
    queue: str
    priority: int
    due_at: KeptMoment
    fence: int
    worker_name: str
    browser: dict[str, Any]
    resumed_after: str
    resume_refusal: str
    session: str
    session_note: str
    created_at: KeptMoment
    ticketed_at: KeptMoment | None
    started_at: KeptMoment | None
    deadline_at: KeptMoment | None
    finished_at: KeptMoment | None
    failure_kind: str
    failure_message: str
    failed_stage: str


class AttemptPart(_Part):
    """One attempt with its stages and steps. `executed` is the digest of the version it ran."""

    facts: AttemptFacts
    executed: str
    stages: list[StagePart]
    steps: list[StepPart]


class TransitionPart(_Part):
    """One move; of the run itself without an attempt's number."""

    attempt: int | None
    from_state: str
    to_state: str
    actor: str
    reason: str
    at: KeptMoment


class QuestionFacts(_Part):
    """The columns of one question."""

    key: str
    stage: str
    prompt: str
    problem: str
    form: dict[str, Any] = Field(alias="schema")
    hold: bool
    on_timeout: str
    asked_at: KeptMoment
    deadline_at: KeptMoment
    closed_at: KeptMoment | None
    answered_by: str
    shown_answer: dict[str, Any] | None


class QuestionPart(_Part):
    """One question of an attempt."""

    attempt: int
    facts: QuestionFacts


class ArtifactFacts(_Part):
    """The columns of one artifact."""

    stage: str
    kind: str
    name: str
    content_type: str
    size_bytes: int = Field(ge=0)
    missing_reason: str
    quarantined_at: KeptMoment | None
    quarantine_reason: str
    meta: dict[str, Any]
    captured_at: KeptMoment
    created_at: KeptMoment


class ArtifactPart(_Part):
    """One artifact. `file` is where its bytes are in the archive, `digest` their SHA-256; both None when it is missing."""

    id: UUID
    attempt: int | None
    step: int | None
    file: str | None
    digest: str | None = Field(pattern=r"^[0-9a-f]{64}$")
    facts: ArtifactFacts


class RunFacts(_Part):
    """The columns of the run."""

    queue: str
    priority: int
    params: dict[str, Any]
    evidence_level: str
    from_stage: str
    state: str
    state_reason: str
    failure_kind: str
    failure_message: str
    failed_stage: str
    attempts_made: int
    max_attempts: int
    cancel_requested_at: KeptMoment | None
    resolved_at: KeptMoment | None
    resolved_by: str
    resolution_note: str
    result: dict[str, Any] | None
    created_at: KeptMoment
    started_at: KeptMoment | None
    finished_at: KeptMoment
    ends_by: KeptMoment | None
    expires_at: KeptMoment


class RunPart(_Part):
    """The run, and as text what refers to rows that stay where they are."""

    id: UUID
    facts: RunFacts
    cause: str
    cause_ref: str
    requested_by: str
    rerun_of: UUID | None
    result_artifact: UUID | None


class Bundle(_Part):
    """One run that ended. `left_out` says in sentences what is not in the file."""

    format: Literal["automation-run"] = "automation-run"
    version: Literal[1] = 1
    automation: str
    title: str
    customer: str
    ran: VersionPart
    run: RunPart
    attempts: list[AttemptPart]
    transitions: list[TransitionPart]
    questions: list[QuestionPart]
    artifacts: list[ArtifactPart]
    left_out: list[str]
