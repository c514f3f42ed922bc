"""How an attempt tells the outside world what happens, as it happens.

WebGraph reports facts through this protocol and knows nothing of who keeps them. All methods are called from the
thread that called `webgraph.runner.run_attempt`, one at a time and in order, never from the browser's event loop.
An attempt waits for `stage_started`, `step_started` and `stage_finished` before it goes on (so the intent of a
commit is kept before the act); the other calls it does not wait for. Each method may raise `AttemptStopped`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from webgraph.errors import FailureKind


class EvidenceLevel(StrEnum):
    """How much an attempt keeps: steps without bytes, the default set, or everything."""

    OFF = "off"
    DEFAULT = "default"
    FULL = "full"


class Effect(StrEnum):
    """What a stage does to the outside world: nothing, something repeatable, or something that counts once."""

    READ = "read"
    IDEMPOTENT = "idempotent"
    COMMIT = "commit"


class Tier(StrEnum):
    """Which representation of the page found a target."""

    DOM = "dom"
    AXTREE = "axtree"
    VISION = "vision"


class ArtifactKind(StrEnum):
    """What a kept file is for. The values are part of the API and are never renamed."""

    STEP_PICTURE = "step_picture"
    STEP_HTML = "step_html"
    STEP_BEFORE = "step_before"
    STEP_AXTREE = "step_axtree"
    FAILURE_PICTURE = "failure_picture"
    FAILURE_HTML = "failure_html"
    FAILURE_AXTREE = "failure_axtree"
    TRACE = "trace"
    REQUEST_LOG = "request_log"
    CONSOLE_LOG = "console_log"
    STAGE_STATE = "stage_state"
    DOWNLOAD = "download"
    RESULT = "result"
    INPUT = "input"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStart:
    """A stage is about to begin. Position counts from 1."""

    position: int
    name: str
    effect: Effect
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StageEnd:
    """A stage is finished: its state and the browser's, enough to resume after it.

    `state` is the automation's State as JSON, `storage_state` Playwright's cookies and origins (a secret), both None
    when the stage failed; the latter also for the last stage, after which there is nothing to resume.
    """

    position: int
    name: str
    succeeded: bool
    finished_at: datetime
    url: str
    state: dict[str, Any] | None = None
    storage_state: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepIntent:
    """What the supervisor is about to do. `index` counts from 1 within the attempt; texts are already redacted."""

    index: int
    stage: str
    action: str
    description: str
    target: dict[str, Any] | None
    url: str
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Heal:
    """How a target that was found another way than written could be written, so that the DOM tier finds it again.

    `key` is the written target's, as `webgraph.fingerprint.key_of` makes it; `old` and `new` are targets as JSON, and
    `seen` is the fingerprint of the element, which `new` selected and nothing else.
    """

    key: str
    old: dict[str, Any]
    new: dict[str, Any]
    seen: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOutcome:
    """How a step ended. `decisions` has one entry for each tier asked: tier, candidates, why, milliseconds.

    `fingerprint` is what an acting step's target looked like, for `webgraph.fingerprint.merged`, and
    `fingerprint_key` the key to keep it under; only steps that succeeded have them. `changed` is False when an act
    did nothing that could be observed, None where that was not looked at or cannot be told. `heal` is there when the
    target was found by another tier, or by another selector, than the first its author wrote.
    """

    index: int
    succeeded: bool
    finished_at: datetime
    duration_seconds: float
    url: str
    tier: Tier | None = None
    failure_kind: FailureKind | None = None
    message: str = ""
    decisions: tuple[dict[str, Any], ...] = ()
    fingerprint: dict[str, Any] | None = None
    fingerprint_key: str = ""
    changed: bool | None = None
    heal: Heal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One file to keep. `body` is redacted already; `step_index` is None for what belongs to the whole attempt."""

    kind: ArtifactKind
    name: str
    content_type: str
    body: bytes
    captured_at: datetime
    step_index: int | None = None
    stage: str = ""
    meta: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceGap:
    """A file that should have been kept and could not be captured, with the reason in one sentence."""

    kind: ArtifactKind
    reason: str
    captured_at: datetime
    step_index: int | None = None
    stage: str = ""


class Recorder(Protocol):
    """Keeps what an attempt reports."""

    def stage_started(self, stage: StageStart) -> None:
        """Keep that a stage begins; returns only when it is kept durably."""

    def stage_finished(self, stage: StageEnd) -> None:
        """Keep a stage's end."""

    def step_started(self, step: StepIntent) -> None:
        """Keep the intent; raise AttemptStopped to forbid the step."""

    def step_finished(self, step: StepOutcome) -> None:
        """Keep the outcome."""

    def evidence(self, item: Evidence) -> None:
        """Keep a file. Must return quickly: slow storage belongs on a thread of the recorder's own."""

    def gap(self, gap: EvidenceGap) -> None:
        """Keep that a file is missing, and why."""
