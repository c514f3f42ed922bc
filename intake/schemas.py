"""What the API takes and says of events, sources and triggers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from ninja import Header, Schema
from pydantic import ConfigDict, Field

from automations.models import DEFAULT_CUSTOMER
from infra_shared.api.input import JsonObject, Text
from infra_shared.moments import Moment
from intake.models import (
    DEFAULT_TOLERANCE_SECONDS,
    DEFAULT_WINDOW_SECONDS,
    MAX_BODY_BYTES,
    MAX_EXPRESSION_LENGTH,
    Event,
    KeyKind,
    Match,
    Rate,
    Replay,
    Scheme,
    Source,
    SourceSecret,
    Trigger,
)
from intake.services.event_filter import EventFilter
from intake.services.triggers import Trial
from intake.states import EventState, MatchState

_MOST_SECONDS = 2**31 - 1
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="Any text of up to 255 characters. The same key is the same replay, whenever it comes.",
    ),
]
Expression = Annotated[Text, Field(max_length=MAX_EXPRESSION_LENGTH)]
Seconds = Annotated[int, Field(ge=0, le=_MOST_SECONDS)]


class _Input(Schema):
    model_config = ConfigDict(extra="forbid")


class EventFilters(Schema):
    """Which events; all that are given must hold."""

    source: Text | None = Field(None, max_length=63, description="Slug of the source.")
    customer: Text | None = Field(None, max_length=63)
    type: Text | None = Field(None, max_length=200)
    state: EventState | None = None
    search: Text | None = Field(
        None, max_length=300, description="An id, or the beginning of a key or a type."
    )
    stored_after: Moment | None = Field(None, description="Stored at this moment or later.")
    stored_before: Moment | None = Field(None, description="Stored before this moment.")

    def as_filter(self) -> EventFilter:
        """The conditions."""
        return EventFilter(
            source=self.source or "",
            customer=self.customer or "",
            type=self.type or "",
            states=(self.state.value,) if self.state else (),
            search=self.search or "",
            stored_after=self.stored_after,
            stored_before=self.stored_before,
        )


class EventOut(Schema):
    """One stored delivery of a sender."""

    id: UUID
    source: str
    customer: str
    type: str = Field(description="Empty where the sender says none.")
    state: EventState
    state_reason: str
    key: str = Field(description="What tells it from other deliveries of its source.")
    key_kind: KeyKind
    scheme: Scheme
    content_type: str
    size_bytes: int
    sha256: str
    duplicates: int = Field(description="How often the same came again.")
    edge_attempts: int
    replay: int = Field(description="Number of its latest replay; 0 before the first.")
    received_at: datetime = Field(description="When the edge took it.")
    stored_at: datetime
    routed_at: datetime | None

    @classmethod
    def of(cls, event: Event) -> EventOut:
        """The item for an event."""
        return cls(**_facts(cls, event), source=event.source.slug, customer=event.customer.key)


class MatchOut(Schema):
    """What a trigger made of an event."""

    trigger: int
    replay: int = Field(description="0: when it came; else the number of the replay.")
    state: MatchState
    reason: str = Field(description="Why no run was started, in the exact words.")
    run: UUID | None = Field(description="The run it started, or the earlier one that covers it.")
    decided_at: datetime | None

    @classmethod
    def of(cls, match: Match) -> MatchOut:
        """The item for a match."""
        return cls(**_facts(cls, match), trigger=match.trigger_id, run=match.run_id)


class EventDetailOut(EventOut):
    """One event with its headers and what became of it. Its body is at `/events/{event_id}/body`."""

    headers: list[tuple[str, str]] = Field(description="Without credentials and signatures.")
    query: str
    matches: list[MatchOut]

    @classmethod
    def of(cls, event: Event) -> EventDetailOut:
        """The answer for an event."""
        told = EventOut.of(event).model_dump()
        matches = [MatchOut.of(match) for match in event.matches.order_by("replay", "id")]
        return cls(**told, headers=event.headers, query=event.query, matches=matches)


class ReplayIn(_Input):
    """Why an event is to be routed again."""

    reason: Text = Field("", max_length=500)


class ReplayOut(Schema):
    """A replay of an event; its matches carry its number."""

    event: UUID
    number: int
    requested_by: str
    reason: str
    created_at: datetime

    @classmethod
    def of(cls, replay: Replay) -> ReplayOut:
        """The answer for a replay."""
        return cls(**_facts(cls, replay), event=replay.event_id)


class ReplaysIn(_Input):
    """Which events are to be routed again."""

    filter: EventFilters
    dry_run: bool = Field(True, description="Only count and show some of them; false: do it.")
    reason: Text = Field("", max_length=500)


class ReplaysOut(Schema):
    """What a replay of many is or would be about."""

    total: int = Field(description="How many events the filter means; those at work are left out.")
    replayed: int = Field(description="0 for a dry run; at most 1,000 at once, the oldest first.")
    sample: list[EventOut]


class SourceChange(_Input):
    """What is to be changed of a source; what is left out stays."""

    name: Text = Field("", max_length=200)
    scheme: Scheme = Scheme.STANDARD
    options: JsonObject = Field(default_factory=dict, description="What the scheme needs beside its secrets.")
    tolerance_seconds: Seconds = DEFAULT_TOLERANCE_SECONDS
    window_seconds: Seconds = Field(
        DEFAULT_WINDOW_SECONDS,
        description="Window in which the same body is the same event, where nothing else tells.",
    )
    key_header: Text = Field("", max_length=100)
    type_header: Text = Field("", max_length=100)
    type_path: Text = Field("", max_length=500, description="JMESPath to the type of an event in its body.")
    ip_allow: list[Text] = Field(default_factory=list, max_length=200)
    rate: Rate = Rate.NORMAL
    max_bytes: int = Field(MAX_BODY_BYTES, ge=1, le=MAX_BODY_BYTES)
    content_types: list[Text] = Field(default_factory=list, max_length=50)
    is_enabled: bool = True


class SourceIn(SourceChange):
    """A source to make."""

    slug: Text = Field(
        max_length=63, description="Part of its address at the edge.", examples=["github-shop"]
    )
    customer: Text = Field(DEFAULT_CUSTOMER, max_length=63)
    scheme: Scheme
    secret: Text = Field("", max_length=500, description="The sender's secret; left out, one is made.")


class SecretOut(Schema):
    """A secret of a source, without itself."""

    id: int
    created_at: datetime
    valid_until: datetime | None = Field(description="Null: until another takes over.")
    last_used_at: datetime | None

    @classmethod
    def of(cls, secret: SourceSecret) -> SecretOut:
        """The item for a secret."""
        return cls(**_facts(cls, secret))


class SourceOut(Schema):
    """A source; its secrets are never told."""

    slug: str
    name: str
    customer: str
    scheme: Scheme
    options: dict[str, Any]
    tolerance_seconds: int
    window_seconds: int
    key_header: str
    type_header: str
    type_path: str
    ip_allow: list[str]
    rate: Rate
    max_bytes: int
    content_types: list[str]
    is_enabled: bool
    secrets: list[SecretOut]
    created_at: datetime
    synced_at: datetime | None = Field(description="Null: the edge has yet to be told of the last change.")

    @classmethod
    def of(cls, source: Source) -> SourceOut:
        """The item for a source."""
        secrets = [SecretOut.of(secret) for secret in source.secrets.all()]
        facts = _facts(cls, source)
        facts.pop("secrets")
        return cls(**facts, customer=source.customer.key, secrets=secrets)


class NewSecretOut(Schema):
    """A source after a secret was added."""

    source: SourceOut
    secret: str | None = Field(description="The secret, where it was made here: shown now and never again.")


class RotateIn(_Input):
    """A new secret for a source."""

    secret: Text = Field("", max_length=500, description="Left out, one is made.")
    overlap_seconds: Seconds = Field(86_400, description="How long the earlier ones stay valid.")


class TriggerChange(_Input):
    """What is to be changed of a trigger; what is left out stays."""

    name: Text = Field("", max_length=200)
    event_type: Text = Field(
        "", max_length=200, description="Empty: any. A star at the end stands for any rest."
    )
    filter: Expression = Field("", description="JMESPath over the body; empty: all events.")
    mapping: Expression = Field("", description="JMESPath to an object: the params. Empty: no params.")
    dedupe_seconds: Seconds = Field(
        0, description="Within it the same params start one run; 0: each its own."
    )
    automation: Text = Field("", max_length=100)
    pinned_version: int | None = Field(None, ge=1)
    is_enabled: bool = True


class TriggerIn(TriggerChange):
    """A trigger to make, or to try out."""

    source: Text = Field(max_length=63, description="Slug of the source.")
    name: Text = Field(max_length=200)
    automation: Text = Field(max_length=100, description="Key of the automation.")


class TriggerOut(Schema):
    """An event rule."""

    id: int
    source: str
    customer: str
    name: str
    event_type: str
    filter: str
    mapping: str
    dedupe_seconds: int
    automation: str
    pinned_version: int | None
    is_enabled: bool
    created_at: datetime

    @classmethod
    def of(cls, trigger: Trigger) -> TriggerOut:
        """The item for a trigger."""
        pinned = trigger.pinned_version
        facts = _facts(cls, trigger) | {
            "source": trigger.source.slug,
            "customer": trigger.source.customer.key,
            "automation": trigger.automation.key,
            "pinned_version": pinned.number if pinned else None,
        }
        return cls(**facts)


class TrialOut(Schema):
    """What a trigger would make of one stored event."""

    event: UUID
    matched: bool
    params: dict[str, Any] | None
    problem: str = Field(description="Why no run would start, in the words the match would have.")

    @classmethod
    def of(cls, trial: Trial) -> TrialOut:
        """The item for a trial."""
        return cls(event=trial.event.pk, matched=trial.matched, params=trial.params, problem=trial.problem)


class TrialsOut(Schema):
    """What a trigger would make of the latest events of its source."""

    items: list[TrialOut]


def _facts(schema: type[Schema], row: object) -> dict[str, Any]:
    """The columns of a row that the schema says as they are."""
    apart = {"source", "customer", "trigger", "run", "event", "matches", "automation", "pinned_version"}
    return {name: getattr(row, name) for name in schema.model_fields if name not in apart}
