"""Cron rules: which readings of a clock they name, and which moments those readings are.

cronsim names the readings, on a clock that never changes. What a change of clocks does to them is decided here, once
for every zone: a reading that comes once is its moment; one that never comes is left out or moved to the first moment
after the gap; one that comes twice is taken the first time, or both times.
"""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cronsim import CronSim, CronSimError

from automations.fire_times.planned import Mark, Planned
from automations.fire_times.rule import Gap, Repeated, TimeRuleError, clock_choices, zone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

    from automations.fire_times.rule import TimeRule

_FIELDS = 5
_LONGEST_CHANGE = timedelta(hours=25)
"""No zone has ever moved its clocks further: a day, where one crossed the date line."""
_SECOND = timedelta(seconds=1)


def check_cron(rule: TimeRule) -> None:
    """Raise TimeRuleError when the expression can never fire."""
    if next(_readings(rule.cron, datetime(2026, 1, 1)), None) is None:  # noqa: DTZ001 - a clock that never changes has no zone
        raise _never(rule.cron, "no such day within fifty years")
    clock_choices(rule)


def cron_after(rule: TimeRule, moment: datetime) -> Iterator[Planned]:
    """Every planned time later than `moment`, in order, with those that the gap leaves out (marked `SKIPPED`)."""
    own = zone(rule.time_zone)
    gap, repeated = clock_choices(rule)
    second_times: deque[Planned] = deque()
    for reading in _readings(rule.cron, _begin(moment, own)):
        planned = _place(reading, own, gap, repeated)
        while second_times and second_times[0].fire_at <= planned.fire_at:
            yield second_times.popleft()
        if planned.fire_at > moment:
            yield planned
        if planned.mark is Mark.FIRST_OF_TWO:
            again = _again(reading, own)
            if again.fire_at > moment:
                second_times.append(again)
    yield from second_times


def _readings(cron: str, begin: datetime) -> Iterator[datetime]:
    """What a clock shows when the rule fires, later than `begin`; naive times, as the clock never changes."""
    if len(cron.split()) != _FIELDS:
        raise TimeRuleError("cron", _wrong(cron, f"it needs {_FIELDS} fields"))
    try:
        return CronSim(cron, begin)
    except CronSimError as error:
        raise _never(cron, str(error)) from error


def _never(cron: str, why: str) -> TimeRuleError:
    return TimeRuleError("cron", _wrong(cron, why))


def _wrong(cron: str, why: str) -> str:
    return f"{cron!r} is not a cron expression that can fire ({why}). Example: 30 6 * * 1-5"


def _begin(moment: datetime, own: ZoneInfo) -> datetime:
    """The reading to begin at: before a clock is set back, readings to come may be earlier than the present one."""
    local = moment.astimezone(own)
    back = _offset(local) - _offset((moment + _LONGEST_CHANGE).astimezone(own))
    return local.replace(tzinfo=None) - max(back, timedelta(0))


def _place(reading: datetime, own: ZoneInfo, gap: Gap, repeated: Repeated) -> Planned:
    """Where on the line of time a reading lies (PEP 495: the two folds tell a gap from a repeated hour)."""
    early, late = reading.replace(tzinfo=own, fold=0), reading.replace(tzinfo=own, fold=1)
    before, after = _offset(early), _offset(late)
    if before == after:
        return Planned(_utc(reading, before), reading)
    if before > after:
        mark = Mark.FIRST_OF_TWO if repeated is Repeated.BOTH else Mark.FIRST_ALONE
        return Planned(_utc(reading, before), reading, mark)
    mark = Mark.SKIPPED if gap is Gap.SKIP else Mark.MOVED
    return Planned(_end_of_gap(reading, own, before, after), reading, mark)


def _again(reading: datetime, own: ZoneInfo) -> Planned:
    late = reading.replace(tzinfo=own, fold=1)
    return Planned(_utc(reading, _offset(late)), reading, Mark.SECOND_OF_TWO)


def _end_of_gap(reading: datetime, own: ZoneInfo, before: timedelta, after: timedelta) -> datetime:
    """The first moment after the gap that `reading` lies in, by halving the time in which the change must lie."""
    low, high = _utc(reading, after), _utc(reading, before)
    while high - low > _SECOND:
        middle = (low + (high - low) / 2).replace(microsecond=0)
        if _offset(middle.astimezone(own)) == after:
            high = middle
        else:
            low = middle
    return high


def _utc(reading: datetime, offset: timedelta) -> datetime:
    return (reading - offset).replace(tzinfo=UTC)


def _offset(local: datetime) -> timedelta:
    offset = local.utcoffset()
    assert offset is not None
    return offset
