"""What a person, a script or a command says of a schedule."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from automations.fire_times import Gap, Repeated
from automations.models import DEFAULT_GRACE_SECONDS, DEFAULT_MISFIRE_LIMIT, Misfire, Overlap

if TYPE_CHECKING:
    from datetime import datetime

    from automations.models import Automation, AutomationVersion, Customer, Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleInput:
    """What a person says of a schedule. `anchor_at` None: an interval counts from now, or from where it did before."""

    name: str
    automation: Automation
    customer: Customer
    kind: str
    cron: str = ""
    every_seconds: int | None = None
    anchor_at: datetime | None = None
    once_at: datetime | None = None
    time_zone: str = "UTC"
    gap: str = Gap.AS_CRON
    repeated: str = Repeated.AS_CRON
    spread_seconds: int = 0
    misfire: str = Misfire.LATEST
    misfire_grace_seconds: int = DEFAULT_GRACE_SECONDS
    misfire_limit: int = DEFAULT_MISFIRE_LIMIT
    overlap: str = Overlap.ALLOW
    pause_after_failures: int = 0
    priority: int = 0
    params: dict[str, Any] = field(default_factory=dict)
    pinned_version: AutomationVersion | None = None


def input_of(schedule: Schedule) -> ScheduleInput:
    """What was said of a schedule, so that a caller can change a part of it."""
    names = (name for name in ScheduleInput.__dataclass_fields__)
    return ScheduleInput(**{name: getattr(schedule, name) for name in names})
