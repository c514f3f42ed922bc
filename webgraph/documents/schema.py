"""The whole document: an automation as data, or stages that several automations share."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, TypeAdapter

from infra_shared.own_patterns import MOST_PATTERNS, problem_of
from webgraph.browser.profile import BrowserProfile
from webgraph.documents.conditions import When
from webgraph.documents.fields import ParamField, ResultField
from webgraph.documents.parts import AnyTarget, Key, Name, Part, Seconds, TargetData, Text
from webgraph.documents.steps import AnyStep
from webgraph.errors import FailureKind
from webgraph.recorder import Effect, EvidenceLevel

SCHEMA_ID = "flow.schema.json"


def _usable_pattern(pattern: str) -> str:
    if problem := problem_of(pattern):
        raise ValueError(problem)
    return pattern


class Options(Part):
    """How it is run."""

    queue: str = Field(default="default", min_length=1, max_length=50)
    deadline_seconds: float = Field(default=300, gt=0, le=86400, description="How long one attempt may take.")
    run_deadline_seconds: float | None = Field(
        default=None,
        gt=0,
        description="How long the whole run may take, from the beginning of its first attempt.",
    )
    step_timeout_seconds: float = Field(default=15, gt=0, le=3600, description="How long one step may take.")
    max_attempts: int = Field(default=3, ge=1, le=50)
    max_concurrent: int | None = Field(
        default=None, ge=1, description="How many attempts may run at once over all nodes."
    )
    sites: list[Text] = Field(
        default_factory=list,
        description="Addresses of the sites it works on, such as `https://shop.example` or `{{ params.shop }}`: limits, pace "
        "and circuit breakers are theirs.",
    )
    slot_keys: dict[Text, Annotated[int, Field(ge=1)]] = Field(
        default_factory=dict,
        description="What else runs share, such as `account-{{ params.account }}`, each with how many attempts may use it at "
        "once. The names are stored and shown: no secret belongs in them.",
    )
    vision_steps: int = Field(
        default=10, ge=0, le=1000, description="How many steps of one attempt may be solved by sight."
    )
    model_tokens: int = Field(
        default=20_000, ge=0, description="How many tokens of a model one attempt may spend on sight."
    )
    evidence: EvidenceLevel = EvidenceLevel.DEFAULT
    cover_media: bool = Field(
        default=True,
        description="Cover canvas, video and images in pictures of a site into which a secret was typed: they may show it. "
        "`false` where they are to be seen, or found by sight.",
    )
    redact_patterns: list[Annotated[str, AfterValidator(_usable_pattern)]] = Field(
        default_factory=list,
        max_length=MOST_PATTERNS,
        description="Regular expressions (RE2's) whose matches are taken out of every text that is kept, results included, "
        "such as `[0-9]{4} [0-9]{4} [0-9]{4} [0-9]{4}`.",
    )
    resume: bool = Field(
        default=True,
        description="Whether another attempt may go on after the last finished stage, in a browser with the same cookies and "
        "page.",
    )
    retryable: dict[FailureKind, bool] = Field(
        default_factory=dict, description="Failure kinds for which the default is overridden."
    )


class Stage(Part):
    """A named, resumable part with a declared effect on the outside world."""

    name: Name
    title: str = ""
    effect: Effect = Field(
        description="`read` changes nothing, `idempotent` may be repeated without harm, `commit` counts once."
    )
    effect_key: Text = Field(
        default="",
        description="For `commit`: what it does once, such as `{{ params.number }}`. A run with a key that was used before "
        "does not act again.",
    )
    when: When | None = Field(default=None, description="Make its steps only if this holds.")
    steps: list[AnyStep] = Field(min_length=1)


class Include(Part):
    """The stages of a shared document, in this place."""

    include: Key


def _stage_tag(value: Any) -> str:
    is_include = "include" in value if isinstance(value, dict) else isinstance(value, Include)
    return ":include" if is_include else ":stage"


class SessionProbe(Part):
    """How to see that one is signed in: a page that only a signed-in visitor is shown, and something on it."""

    url: Text
    target: AnyTarget
    within_seconds: Seconds = Field(default=5, description="How long the page may build itself.")


class Session(Part):
    """The signed-in session all its runs share: with a valid one, the stage that signs in is left out."""

    site: Text = Field(
        min_length=1, description="Such as `https://shop.example`; sessions are told apart by it."
    )
    login: Name = Field(description="The stage that signs in; it keeps nothing that later stages need.")
    credential: str = Field(default="", description="The credential it signs in with.")
    account: Text = Field(
        default="",
        description="Tells several accounts of one credential apart, such as `{{ params.account }}`. It is stored and shown.",
    )
    probe: SessionProbe
    max_age_seconds: float = Field(
        default=28_800, gt=0, description="After this long a session is not trusted any more."
    )
    max_failed_logins: int | None = Field(
        default=None,
        ge=1,
        description="After how many failed logins one after another no other one is tried for a while.",
    )


class Document(Part):
    """What both kinds of document have."""

    key: Key
    title: str = Field(default="", max_length=200)
    description: str = ""
    params: dict[Name, ParamField] = Field(
        default_factory=dict, description="What a run wants to know: `{{ params.NAME }}`."
    )
    credentials: list[str] = Field(
        default_factory=list,
        description="Names of the credentials it needs; the values are set apart and never stand here.",
    )
    targets: dict[Name, TargetData] = Field(
        default_factory=dict, description="Things on the page, by the names that steps use."
    )


class FlowDocument(Document):
    """An automation."""

    kind: Literal["flow"] = "flow"
    profile: BrowserProfile = Field(
        default=BrowserProfile(), description="How the browser presents itself to the site."
    )
    options: Options = Options()
    session: Session | None = None
    stages: list[
        Annotated[
            Annotated[Stage, Tag(":stage")] | Annotated[Include, Tag(":include")],
            Discriminator(_stage_tag),
        ]
    ] = Field(min_length=1, description="They run in this order.")
    result: dict[Name, ResultField] = Field(
        default_factory=dict, description="What comes of it; a run whose result does not fit fails."
    )


class SharedDocument(Document):
    """Stages that flows take in with `include`. Its params and credentials become the flow's."""

    kind: Literal["shared"]
    stages: list[Stage] = Field(min_length=1)


def document_kind(data: Any) -> str:
    """Which of the two a document is: ":shared" or ":flow"."""
    kind = data.get("kind") if isinstance(data, dict) else getattr(data, "kind", None)
    return ":shared" if kind == "shared" else ":flow"


_EITHER: Any = Annotated[
    Annotated[FlowDocument, Tag(":flow")] | Annotated[SharedDocument, Tag(":shared")],
    Discriminator(document_kind),
]


def json_schema() -> dict[str, Any]:
    """The published JSON Schema, for editors and other programs."""
    schema: dict[str, Any] = _without_null(TypeAdapter(_EITHER).json_schema())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "Flow document",
        **schema,
    }


def _without_null(node: Any) -> Any:
    """The schema without "or null": a key that is not wanted is left out, and editors should suggest nothing else."""
    if isinstance(node, list):
        return [_without_null(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {
        key: _without_null(value) for key, value in node.items() if not (key == "default" and value is None)
    }
    options = found.pop("anyOf", None)
    if options is None:
        return found
    real = [option for option in options if option != {"type": "null"}]
    return {**real[0], **found} if len(real) == 1 else {**found, "anyOf": real}
