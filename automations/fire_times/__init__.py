"""When a schedule fires: pure functions of a time rule and a moment. Knows no database and no clock of its own."""

from __future__ import annotations

from automations.fire_times.clock_changes import ClockChange, next_clock_changes
from automations.fire_times.planned import Mark, Planned
from automations.fire_times.rule import (
    CRON,
    INTERVAL,
    ONCE,
    SHORTEST_INTERVAL_SECONDS,
    Gap,
    Repeated,
    TimeRule,
    TimeRuleError,
    clock_choices,
    zone,
)
from automations.fire_times.spread import LONGEST_SPREAD_SECONDS, offset
from automations.fire_times.templates import EXAMPLE, TemplateError, fill_in, uses_fire_at
from automations.fire_times.times import after, between, check, next_after, planned_after, preview
from automations.fire_times.words import (
    GAP_CHOICES,
    REPEATED_CHOICES,
    clocks_in_words,
    in_words,
    span_in_words,
)

__all__ = [
    "CRON",
    "EXAMPLE",
    "GAP_CHOICES",
    "INTERVAL",
    "LONGEST_SPREAD_SECONDS",
    "ONCE",
    "REPEATED_CHOICES",
    "SHORTEST_INTERVAL_SECONDS",
    "ClockChange",
    "Gap",
    "Mark",
    "Planned",
    "Repeated",
    "TemplateError",
    "TimeRule",
    "TimeRuleError",
    "after",
    "between",
    "check",
    "clock_choices",
    "clocks_in_words",
    "fill_in",
    "in_words",
    "next_after",
    "next_clock_changes",
    "offset",
    "planned_after",
    "preview",
    "span_in_words",
    "uses_fire_at",
    "zone",
]
