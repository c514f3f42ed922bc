"""The next changes of a zone's clocks, and what a rule does on those nights."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING

from automations.fire_times.planned import Mark, Planned
from automations.fire_times.rule import CRON, zone
from automations.fire_times.times import planned_after

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

    from automations.fire_times.rule import TimeRule

_LOOKED_AHEAD = timedelta(days=400)
_STEP = timedelta(hours=12)
_MOST_SHOWN = 12


@dataclass(frozen=True, slots=True)
class ClockChange:
    """At `at` (in the zone, already changed) clocks move by `by`; `touched` are the planned times it changes."""

    at: datetime
    by: timedelta
    touched: tuple[Planned, ...]

    @property
    def was(self) -> datetime:
        """What the clock showed at that moment before it was set (naive)."""
        return self.at.replace(tzinfo=None) - self.by

    @property
    def forward(self) -> bool:
        """Whether clocks jump ahead, so that some times never come."""
        return self.by > timedelta(0)


def next_clock_changes(rule: TimeRule, moment: datetime) -> list[ClockChange]:
    """The next jump ahead and the next set-back of the rule's zone; empty where clocks do not change, or need not matter."""
    if rule.kind != CRON:
        return []
    found: dict[bool, ClockChange] = {}
    for at, by in _changes(zone(rule.time_zone), moment):
        found.setdefault(by > timedelta(0), ClockChange(at, by, _touched(rule, at, by)))
        if len(found) == 2:
            break
    return sorted(found.values(), key=lambda change: change.at)


def _touched(rule: TimeRule, at: datetime, by: timedelta) -> tuple[Planned, ...]:
    begin, end = at - abs(by) - timedelta(seconds=1), at + abs(by)
    near = takewhile(lambda planned: planned.fire_at < end, planned_after(rule, begin))
    return tuple(planned for planned in near if planned.mark is not Mark.PLAIN)[:_MOST_SHOWN]


def _changes(own: ZoneInfo, moment: datetime) -> Iterator[tuple[datetime, timedelta]]:
    """The zone's changes after `moment`, by looking twice a day and halving where the offset differs."""
    low, end = moment, moment + _LOOKED_AHEAD
    while low < end:
        high = low + _STEP
        before, after = _offset(low, own), _offset(high, own)
        if before != after:
            yield _first_with(own, after, low, high).astimezone(own), after - before
        low = high


def _first_with(own: ZoneInfo, after: timedelta, low: datetime, high: datetime) -> datetime:
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        low, high = (low, middle) if _offset(middle, own) == after else (middle, high)
    return high.replace(microsecond=0)


def _offset(moment: datetime, own: ZoneInfo) -> timedelta:
    offset = moment.astimezone(own).utcoffset()
    assert offset is not None
    return offset
