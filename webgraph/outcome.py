"""What goes into an attempt and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from webgraph.codes import CodeSource, NoCodes
from webgraph.limits import Limits
from webgraph.network import AddressPolicy
from webgraph.vision.settings import VisionSettings

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from infra_shared.redaction import Redactor
    from webgraph.checkpoint import Checkpoint
    from webgraph.errors import FailureKind
    from webgraph.flow import Automation
    from webgraph.inputs import InputSource
    from webgraph.recorder import EvidenceLevel, Question, SignInElsewhere, Undecided
    from webgraph.session_desk import SessionDesk
    from webgraph.workers.base import Worker


class Outcome(StrEnum):
    """How an attempt ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"
    PARKED = "parked"
    """Ended on purpose: it waits for a person's answer, for another attempt's commit, or for it to sign in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptSpec:
    """One attempt to make. What is None is the automation's own declaration."""

    automation: type[Automation]
    params: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What was asked, those of the type `Secret` among them in plain: they are hidden like credentials from here on."""
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    """Credential name to its fields; every value is a secret."""
    origins: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Credential name to the only origins its fields and codes may be given to; an empty collection for those that the
    automation opens itself and no param names. A credential without an entry may go anywhere."""
    redactor: Redactor | None = field(default=None, repr=False)
    """Learns every secret of the attempt, those it meets on its way included: what the log and the recorder know."""
    codes: CodeSource = field(default_factory=NoCodes, repr=False)
    """Who gives out the one-time codes of credentials."""
    files: Mapping[str, InputSource] = field(default_factory=dict, repr=False)
    """The files the params name, by the reference they name them by."""
    evidence: EvidenceLevel | None = None
    deadline_seconds: float | None = None
    step_timeout_seconds: float | None = None
    address_policy: AddressPolicy = field(default_factory=AddressPolicy)
    limits: Limits = field(default_factory=Limits)
    """How much its pages may do."""
    alone: bool = False
    """Whether it gets a browser that nobody shares, also where the host has one that is shared."""
    workers: tuple[Worker, ...] | None = None
    """The tiers in the order of escalation; None for those this package has."""
    vision: VisionSettings = field(default_factory=VisionSettings)
    vision_steps: int | None = None
    model_tokens: int | None = None
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    """Targets as JSON that are looked for in place of those written, by `webgraph.fingerprint.key_of`."""
    fingerprints: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    """What targets looked like in earlier successes, by `webgraph.fingerprint.key_of`; without one nothing is
    compared."""
    resume_from: Checkpoint | None = field(default=None, repr=False)
    """Where to go on; when that is not possible any more it starts over."""
    session: SessionDesk | None = field(default=None, repr=False)
    """Who keeps the signed-in session the automation declares; with None it signs in each time, unguarded."""
    answers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    """What was answered to questions of earlier attempts, by their key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFailure:
    """Why an attempt failed: `message` is one plain sentence without secrets, `step_index` the last step begun.

    `lost_with_others` says that the browser went away which it shared with other processes: any of them may be why.
    """

    kind: FailureKind
    message: str
    permanent: bool
    stage: str = ""
    step_index: int | None = None
    retry_after_seconds: float | None = None
    lost_with_others: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptResult:
    """How an attempt ended. `result` is JSON without secrets; `browser` holds its version and profile.

    `result` is None too when the last stage was a commit that happened earlier and left no result; `parked` says what a
    parked one waits for.
    """

    outcome: Outcome
    result: dict[str, Any] | None = None
    failure: AttemptFailure | None = None
    stop_reason: str | None = None
    by_force: bool = False
    """Whether code that blocks had to be left behind in a thread of this process, which better ends soon."""
    parked: Question | Undecided | SignInElsewhere | None = None
    browser: dict[str, Any] = field(default_factory=dict)
    steps: int = 0
    vision_steps: int = 0
    model_tokens: int = 0
