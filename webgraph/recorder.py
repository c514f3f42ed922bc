"""How an attempt tells the outside world what happens, as it happens.

WebGraph reports facts through this protocol and knows nothing of who keeps them. All methods are called from the
thread that called `webgraph.runner.run_attempt`, one at a time and in order, never from the browser's event loop.
An attempt waits for `stage_started`, `step_started`, `stage_finished` and `asked` before it goes on (so the intent of
a commit is kept before the act); the other calls it does not wait for. Each method may raise `AttemptStopped`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from webgraph.checkpoint import Checkpoint
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
    REJECTED_ROWS = "rejected_rows"
    INPUT = "input"
    LOG = "log"


class LogLevel(StrEnum):
    """How much a log line matters."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStart:
    """A stage is about to begin. Position counts from 1; `effect_key` says for a commit what it is that counts once."""

    position: int
    name: str
    effect: Effect
    started_at: datetime
    effect_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """An answer to a stage's start: do not act, for this commit happened already.

    `state`, `value`, `url` and `page` are what it left behind, as a `StageEnd` told them, where that is known; `where`
    says in words where it happened.
    """

    where: str
    state: dict[str, Any] | None = field(default=None, repr=False)
    value: Any = field(default=None, repr=False)
    url: str = field(default="", repr=False)
    page: dict[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecided:
    """An answer to a stage's start: do not act, for nobody knows yet whether this commit happened elsewhere.

    The attempt ends as parked; another one may begin when it is known. `where` says in words what is waited for.
    """

    where: str


@dataclass(frozen=True, slots=True)
class SignInElsewhere:
    """What an attempt waits for whose session another one is signing in to: it ends as parked, before it has a browser."""


StageAnswer = Happened | Undecided | None
"""What a recorder answers to a stage's start; None: go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageEnd:
    """A stage is finished: its state, and what another attempt needs to go on after it.

    `state` is the automation's State as JSON, None when the stage failed. `value` is what the last stage returned, as
    JSON. `checkpoint` holds the browser's cookies (a secret); it is None when the stage failed, behind the last stage,
    and where the automation is not resumed.
    """

    position: int
    name: str
    succeeded: bool
    finished_at: datetime
    url: str
    state: dict[str, Any] | None = field(default=None, repr=False)
    value: Any = field(default=None, repr=False)
    checkpoint: Checkpoint | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """The attempt goes on after an earlier one's stage, or had to start over because it could not: then `refusal` says why."""

    position: int
    stage: str
    refusal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a stage wants to know from a person. `key` is unique within the run; `schema` is a JSON Schema of an object.

    With `hold` the browser waits for the answer; without, the attempt ends and another one begins with it.
    `on_timeout` is how the run fails when nobody answered in time; `problem` why an answer before did not fit.
    """

    key: str
    stage: str
    prompt: str
    schema: dict[str, Any]
    timeout_seconds: float
    on_timeout: FailureKind
    hold: bool = False
    problem: str = ""


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
    """One file to keep; `step_index` is None for what belongs to the whole attempt.

    Texts and pictures are redacted already. A download is as the site gave it, and any redaction may have a gap: who
    stores the bytes searches them first (`infra_shared.leaks`), and lets nobody read what holds a secret.
    """

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


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """What the automation said with `self.log`: a text and fields as JSON, redacted; `step_index` is the latest step's."""

    level: LogLevel
    event: str
    fields: dict[str, Any]
    logged_at: datetime
    step_index: int | None = None
    stage: str = ""


class Recorder(Protocol):
    """Keeps what an attempt reports."""

    def stage_started(self, stage: StageStart) -> StageAnswer:
        """Keep that a stage begins; returns only when it is kept durably, and may forbid a commit to act."""

    def stage_finished(self, stage: StageEnd) -> None:
        """Keep a stage's end."""

    def resumed(self, item: Resumed) -> None:
        """Keep after what the attempt goes on, or why it starts over."""

    def asked(self, question: Question) -> dict[str, Any] | None:
        """Keep a question for which the browser is held, once; its answer as soon as there is one.

        Called every second or so until there is, or the time is over.
        """

    def step_started(self, step: StepIntent) -> None:
        """Keep the intent; raise AttemptStopped to forbid the step."""

    def step_finished(self, step: StepOutcome) -> None:
        """Keep the outcome."""

    def evidence(self, item: Evidence) -> None:
        """Keep a file. Must return quickly: slow storage belongs on a thread of the recorder's own."""

    def gap(self, gap: EvidenceGap) -> None:
        """Keep that a file is missing, and why."""

    def logged(self, line: LogLine) -> None:
        """Keep what the automation said."""
