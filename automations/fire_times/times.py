"""The planned times of every kind of rule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from math import floor
from typing import TYPE_CHECKING

from automations.fire_times.cron import check_cron, cron_after
from automations.fire_times.planned import Planned
from automations.fire_times.rule import (
    CRON,
    INTERVAL,
    LONGEST_INTERVAL_SECONDS,
    ONCE,
    SHORTEST_INTERVAL_SECONDS,
    TimeRule,
    TimeRuleError,
    zone,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


def check(rule: TimeRule) -> None:
    """Raise TimeRuleError when the rule can never fire or does not say enough."""
    zone(rule.time_zone)
    if rule.kind == CRON:
        check_cron(rule)
    elif rule.kind == INTERVAL:
        _check_interval(rule)
    elif rule.kind == ONCE:
        _once_at(rule)
    else:
        raise TimeRuleError("kind", f"Unknown kind of schedule {rule.kind!r}; use cron, interval or once.")


def planned_after(rule: TimeRule, moment: datetime) -> Iterator[Planned]:
    """Every planned time later than `moment`, in order, also those that a gap leaves out; may be without end."""
    if rule.kind == CRON:
        return cron_after(rule, moment)
    own = zone(rule.time_zone)
    times = _interval_after(rule, moment) if rule.kind == INTERVAL else _once_after(rule, moment)
    return (Planned(time, time.astimezone(own).replace(tzinfo=None)) for time in times)


def after(rule: TimeRule, moment: datetime) -> Iterator[datetime]:
    """Every moment later than `moment` at which the rule fires, in order and each once, as aware UTC times."""
    last = None
    for planned in planned_after(rule, moment):
        if planned.fires and planned.fire_at != last:
            last = planned.fire_at
            yield last


def between(rule: TimeRule, begin: datetime, end: datetime) -> Iterator[datetime]:
    """The moments from `begin` on and before `end` at which the rule fires."""
    return takewhile(lambda fire_at: fire_at < end, after(rule, begin - timedelta(microseconds=1)))


def next_after(rule: TimeRule, moment: datetime) -> datetime | None:
    """The first moment later than `moment` at which the rule fires; None when there is none within the next years."""
    return next(after(rule, moment), None)


def preview(rule: TimeRule, moment: datetime, count: int = 20) -> list[datetime]:
    """The next `count` moments after `moment` at which the rule fires, in its own time zone."""
    own = zone(rule.time_zone)
    return [fire_at.astimezone(own) for fire_at in islice(after(rule, moment), count)]


def _check_interval(rule: TimeRule) -> None:
    seconds = rule.every_seconds
    if seconds is None or not SHORTEST_INTERVAL_SECONDS <= seconds <= LONGEST_INTERVAL_SECONDS:
        limits = f"from {SHORTEST_INTERVAL_SECONDS} to {LONGEST_INTERVAL_SECONDS:,} seconds (366 days)"
        raise TimeRuleError("every_seconds", f"An interval is {limits}.")
    if rule.anchor_at is None:
        raise TimeRuleError("anchor_at", "An interval needs the moment it counts from.")


def _interval_after(rule: TimeRule, moment: datetime) -> Iterator[datetime]:
    _check_interval(rule)
    anchor, step = rule.anchor_at, timedelta(seconds=rule.every_seconds or 0)
    assert anchor is not None
    count = max(0, floor((moment - anchor) / step) + 1)
    while True:
        yield (anchor + count * step).astimezone(UTC)
        count += 1


def _once_after(rule: TimeRule, moment: datetime) -> Iterator[datetime]:
    once_at = _once_at(rule)
    if once_at > moment:
        yield once_at


def _once_at(rule: TimeRule) -> datetime:
    if rule.once_at is None:
        raise TimeRuleError("once_at", "A single time needs its moment.")
    return rule.once_at.astimezone(UTC)
