"""Fire times the slow way: look at the clock every minute. Shares no code with what it checks, cronsim included."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MINUTE = timedelta(minutes=1)
HALF_A_DAY = timedelta(hours=12)
BEGIN, END = datetime(2015, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)
SPANS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


@dataclass(frozen=True)
class Look:
    """One minute: when it was, what the clock showed, what it jumped over to get there, whether it had shown it before."""

    at: datetime
    shows: datetime
    jumped: tuple[datetime, ...]
    again: bool


def looks(zone: ZoneInfo, begin: datetime, end: datetime) -> list[Look]:
    """A look at the clock every minute from `begin` to `end`."""
    found = []
    at, latest = begin, _shown(begin - MINUTE, zone)
    while at < end:
        shows = _shown(at, zone)
        jumped = tuple(
            latest + MINUTE * number for number in range(1, (shows - latest) // MINUTE) if shows > latest
        )
        found.append(Look(at, shows, jumped, again=shows <= latest))
        latest = max(latest, shows)
        at += MINUTE
    return found


def fires(cron: str, seen: Iterable[Look], *, gap: str, repeated: str) -> list[datetime]:
    """When the expression fires, for somebody who looks every minute and keeps to these two choices."""
    expression = Expression.read(cron)
    by_the_clock = any(part.startswith("*") for part in cron.split()[:2])
    move = gap == "after" or (gap == "as_cron" and not by_the_clock)
    twice = repeated == "both" or (repeated == "as_cron" and by_the_clock)
    found = []
    for look in seen:
        now = expression.names(look.shows) and (twice or not look.again)
        late = move and any(expression.names(reading) for reading in look.jumped)
        if now or late:
            found.append(look.at)
    return found


@dataclass(frozen=True)
class Expression:
    """A cron expression as plain sets; days of the month and weekdays as written, for L and #."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: str
    months: frozenset[int]
    weekdays: str

    @staticmethod
    @cache
    def read(cron: str) -> Expression:
        """An expression from its text."""
        minutes, hours, days, months, weekdays = cron.split()
        return Expression(_numbers(minutes, 0), _numbers(hours, 1), days, _numbers(months, 3), weekdays)

    def names(self, shows: datetime) -> bool:
        """Whether the expression names what the clock shows."""
        return shows.minute in self.minutes and shows.hour in self.hours and _day(self, shows.date())


@cache
def _day(expression: Expression, day: date) -> bool:
    last = calendar.monthrange(day.year, day.month)[1]
    by_month = day.day == last if expression.days == "L" else day.day in _numbers(expression.days, 2)
    by_week = _weekday(expression.weekdays, day, last)
    both = expression.days.startswith("*") or expression.weekdays.startswith("*")
    return day.month in expression.months and (by_month and by_week if both else by_month or by_week)


def _weekday(wanted: str, day: date, last: int) -> bool:
    today = day.isoweekday() % 7
    if wanted.endswith("L"):
        return today == int(wanted[0]) and day.day > last - 7
    if "#" in wanted:
        return today == int(wanted[0]) and (day.day - 1) // 7 + 1 == int(wanted[2])
    return today in {number % 7 for number in _numbers(wanted, 4)}


@cache
def _numbers(text: str, field: int) -> frozenset[int]:
    low, high = SPANS[field]
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = (f"{low}-{high}" if span == "*" else span).partition("-")
        end = last or (str(high) if step else first)
        found.update(range(int(first), int(end) + 1, int(step or 1)))
    return frozenset(found)


def changes(name: str) -> tuple[tuple[datetime, timedelta], ...]:
    """Every moment from 2015 to 2029 at which the zone's clocks are set, with the offset from then on."""
    zone = ZoneInfo(name)
    return tuple((_edge(zone, at), _offset(at + HALF_A_DAY, zone)) for at in _half_days_with_one(zone))


def zones_with_different_clocks() -> list[str]:
    """One zone for each history of clocks from 2015 to 2029."""
    known: dict[object, str] = {}
    for name in sorted(available_timezones()):
        known.setdefault((_offset(BEGIN, ZoneInfo(name)), changes(name)), name)
    return sorted(known.values())


def _half_days_with_one(zone: ZoneInfo) -> Iterator[datetime]:
    at = BEGIN
    while at < END:
        if _offset(at, zone) != _offset(at + HALF_A_DAY, zone):
            yield at
        at += HALF_A_DAY


def _edge(zone: ZoneInfo, at: datetime) -> datetime:
    before = _offset(at, zone)
    while _offset(at, zone) == before:
        at += MINUTE
    return at


def _shown(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None)


def _offset(at: datetime, zone: ZoneInfo) -> timedelta:
    offset = at.astimezone(zone).utcoffset()
    assert offset is not None
    return offset
