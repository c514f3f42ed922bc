"""What the API takes and says of schedules."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import Annotated, Any

from ninja import Schema
from pydantic import ConfigDict, Field

from automations import fire_times
from automations.fire_times import ClockChange, Gap, Planned, Repeated
from automations.models import (
    DEFAULT_CUSTOMER,
    DEFAULT_GRACE_SECONDS,
    DEFAULT_MISFIRE_LIMIT,
    Misfire,
    Overlap,
    Schedule,
    ScheduleKind,
)
from infra_shared.api.input import JsonObject, Text
from infra_shared.moments import Moment

_MOST_SECONDS = 2**31 - 1


Seconds = Annotated[int, Field(ge=0, le=_MOST_SECONDS)]


class _Input(Schema):
    model_config = ConfigDict(extra="forbid")


class ScheduleIn(_Input):
    """A schedule to make. What is left out has the default named here."""

    name: Text = Field(max_length=200, examples=["Invoices every morning"])
    automation: Text = Field(max_length=100, description="Key of the automation.", examples=["page-snapshot"])
    pinned_version: int | None = Field(
        None, ge=1, description="Number of the version its runs execute; null: the latest published."
    )
    customer: Text = Field(DEFAULT_CUSTOMER, max_length=63, description="On whose behalf its runs happen.")
    params: JsonObject = Field(
        default_factory=dict,
        description="As for a run; texts may name the planned time: `{{ fire_at - 1 day:%Y-%m-%d }}`.",
    )
    kind: ScheduleKind
    cron: Text = Field("", max_length=200, description="Five fields, with kind `cron`.")
    every_seconds: Seconds | None = Field(None, description="With kind `interval`; 5 or more.")
    anchor_at: Moment | None = Field(None, description="Intervals count from this moment; null: from now.")
    once_at: Moment | None = Field(None, description="With kind `once`.")
    time_zone: Text = Field("UTC", max_length=64, description="IANA name; cron and params are meant in it.")
    gap: Gap = Field(Gap.AS_CRON, description="A time that clocks jump over.")
    repeated: Repeated = Field(Repeated.AS_CRON, description="A time that clocks show twice.")
    spread_seconds: Seconds = Field(
        0, description="Window over which it is spread by an offset of its own; 0: none."
    )
    misfire: Misfire = Field(Misfire.LATEST, description="What becomes of times later than their grace.")
    misfire_grace_seconds: Seconds = Field(
        DEFAULT_GRACE_SECONDS, description="Up to here a time is just late."
    )
    misfire_limit: Seconds = Field(DEFAULT_MISFIRE_LIMIT, description="How many `all` fires at most.")
    overlap: Overlap = Field(
        Overlap.ALLOW, description="What becomes of a time while an earlier run has not ended."
    )
    pause_after_failures: Seconds = Field(0, description="Pause after so many failures in a row; 0: never.")
    priority: int = Field(0, description="Of its runs, from -100 to 100; higher goes first.")


class ScheduleChange(_Input):
    """What is to be changed of a schedule; what is left out stays. A changed time rule is planned from now on."""

    name: Text = Field("", max_length=200)
    pinned_version: int | None = Field(None, ge=1)
    customer: Text = Field("", max_length=63)
    params: JsonObject = Field(default_factory=dict, description="All params anew.")
    kind: ScheduleKind = ScheduleKind.CRON
    cron: Text = Field("", max_length=200)
    every_seconds: Seconds | None = None
    anchor_at: Moment | None = None
    once_at: Moment | None = None
    time_zone: Text = Field("", max_length=64)
    gap: Gap = Gap.AS_CRON
    repeated: Repeated = Repeated.AS_CRON
    spread_seconds: Seconds = 0
    misfire: Misfire = Misfire.LATEST
    misfire_grace_seconds: Seconds = 0
    misfire_limit: Seconds = 0
    overlap: Overlap = Overlap.ALLOW
    pause_after_failures: Seconds = 0
    priority: int = 0


class PauseIn(_Input):
    """Why a schedule is paused."""

    reason: Text = Field("", max_length=500, description="Shown beside it, and in what it skips.")


class ScheduleOut(Schema):
    """A time rule that starts runs."""

    id: int
    name: str
    automation: str
    pinned_version: int | None = Field(description="Null: each run takes the latest published version.")
    customer: str
    params: dict[str, Any]
    kind: ScheduleKind
    cron: str = Field(description="Five fields, with kind `cron`.")
    every_seconds: int | None = Field(description="With kind `interval`.")
    anchor_at: datetime | None = Field(description="Intervals count from this moment.")
    once_at: datetime | None = Field(description="With kind `once`.")
    time_zone: str
    gap: Gap
    repeated: Repeated
    rule_in_words: str = Field(examples=["At 06:30, Monday through Friday (Europe/Berlin)"])
    spread_seconds: int
    offset_seconds: int = Field(description="How much later than planned it fires, by its spread.")
    misfire: Misfire
    misfire_grace_seconds: int
    misfire_limit: int
    overlap: Overlap
    pause_after_failures: int
    priority: int
    next_fire_at: datetime | None = Field(
        description="Planned time and offset; null while it is paused or plans nothing more."
    )
    paused_at: datetime | None
    pause_reason: str
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, schedule: Schedule) -> ScheduleOut:
        """The item for a schedule, fetched with its automation, customer and pinned version."""
        own = (
            "id name params kind cron every_seconds anchor_at once_at time_zone gap repeated spread_seconds misfire "
            "misfire_grace_seconds misfire_limit overlap pause_after_failures priority paused_at pause_reason created_at "
            "updated_at"
        )
        return cls(
            **{name: getattr(schedule, name) for name in own.split()},
            automation=schedule.automation.key,
            pinned_version=schedule.pinned_version.number if schedule.pinned_version else None,
            customer=schedule.customer.key,
            rule_in_words=fire_times.in_words(schedule.rule),
            offset_seconds=int(schedule.offset.total_seconds()),
            next_fire_at=None if schedule.paused_at else schedule.next_fire_at,
        )


class PlannedOut(Schema):
    """One planned time."""

    fire_at: datetime = Field(
        description="In the schedule's zone. A time that is skipped: the moment after the gap."
    )
    due_at: datetime = Field(description="The planned time and the schedule's offset.")
    clock: str = Field(
        description="What the rule's clock shows, without a zone.", examples=["2026-11-23T06:30:00"]
    )
    mark: str = Field(
        description="Empty, or `moved`, `skipped`, `first_alone`, `first_of_two`, `second_of_two`."
    )
    in_words: str = Field(description="What the mark means; empty for a plain time.")

    @classmethod
    def of(cls, planned: Planned, schedule: Schedule) -> PlannedOut:
        """The item for a planned time of a schedule."""
        own = fire_times.zone(schedule.time_zone)
        return cls(
            fire_at=planned.fire_at.astimezone(own),
            due_at=(planned.fire_at + schedule.offset).astimezone(own),
            clock=planned.reading.isoformat(),
            mark=planned.mark,
            in_words=planned.mark.in_words,
        )


class ClockChangeOut(Schema):
    """The next time clocks jump ahead or are set back in the schedule's zone, and what it does then."""

    at: datetime
    by_seconds: int = Field(description="Positive: clocks jump ahead.")
    touched: list[PlannedOut] = Field(description="The planned times that are moved, skipped or repeated.")

    @classmethod
    def of(cls, change: ClockChange, schedule: Schedule) -> ClockChangeOut:
        """The item for a change of clocks."""
        touched = [PlannedOut.of(planned, schedule) for planned in change.touched]
        return cls(at=change.at, by_seconds=int(change.by.total_seconds()), touched=touched)


class PreviewOut(Schema):
    """When a schedule fires next."""

    rule_in_words: str
    clocks_in_words: str = Field(
        description="What it does when clocks change; empty where that plays no part."
    )
    times: list[PlannedOut]
    clock_changes: list[ClockChangeOut]

    @classmethod
    def of(cls, schedule: Schedule, moment: datetime, count: int) -> PreviewOut:
        """The next `count` times after `moment`, as if it were not paused."""
        rule = schedule.rule
        return cls(
            rule_in_words=fire_times.in_words(rule),
            clocks_in_words=fire_times.clocks_in_words(rule),
            times=[
                PlannedOut.of(planned, schedule)
                for planned in islice(fire_times.planned_after(rule, moment), count)
            ],
            clock_changes=[
                ClockChangeOut.of(change, schedule) for change in fire_times.next_clock_changes(rule, moment)
            ],
        )
