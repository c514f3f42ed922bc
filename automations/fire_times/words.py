"""Time rules and their choices as sentences for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cron_descriptor import (  # type: ignore[import-untyped]  # it carries no types
    ExpressionDescriptor,
    Options,
)

from automations.fire_times.rule import CRON, INTERVAL, Gap, Repeated, clock_choices, zone

if TYPE_CHECKING:
    from automations.fire_times.rule import TimeRule

GAP_CHOICES = {
    Gap.AS_CRON: "As cron does: a fixed time fires at the first moment after; “every so many minutes or hours” goes by the clock",
    Gap.AFTER: "Fire at the first moment after",
    Gap.SKIP: "Do not fire that day",
}
REPEATED_CHOICES = {
    Repeated.AS_CRON: "As cron does: a fixed time fires once; “every so many minutes or hours” goes by the clock",
    Repeated.FIRST: "Fire the first time alone",
    Repeated.BOTH: "Fire both times",
}
_GAP = {
    Gap.SKIP: "A time that clocks jump over in spring does not fire.",
    Gap.AFTER: "A time that clocks jump over in spring fires at the first moment after.",
}
_REPEATED = {
    Repeated.FIRST: "A time that clocks show twice in autumn fires the first time alone.",
    Repeated.BOTH: "A time that clocks show twice in autumn fires both times.",
}


def in_words(rule: TimeRule) -> str:
    """The rule as a sentence, such as "At 06:30, Monday through Friday (Europe/Berlin)"."""
    if rule.kind == INTERVAL:
        return f"Every {span_in_words(rule.every_seconds or 0)}"
    if rule.kind == CRON:
        options = Options()
        options.use_24hour_time_format = True
        return f"{ExpressionDescriptor(rule.cron, options).get_description()} ({rule.time_zone})"
    if rule.once_at is None:
        return "Once"
    return f"Once, on {rule.once_at.astimezone(zone(rule.time_zone)):%d %b %Y at %H:%M:%S} ({rule.time_zone})"


def clocks_in_words(rule: TimeRule) -> str:
    """What the rule does when clocks change; empty for kinds that name moments."""
    if rule.kind != CRON:
        return ""
    gap, repeated = clock_choices(rule)
    return f"{_GAP[gap]} {_REPEATED[repeated]}"


def span_in_words(seconds: int) -> str:
    """A length of time after "every": day, 15 minutes, 61 seconds."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length and seconds % length == 0:
            count = seconds // length
            return unit if count == 1 else f"{count} {unit}s"
    return "second" if seconds == 1 else f"{seconds} seconds"
