"""When a schedule fires: pure functions of a time rule and a watermark.

Cron expressions follow cronsim (Debian cron's rules): the gap in spring moves a fixed time to the first moment after
it, the repeated hour in autumn fires a fixed time once. Intervals count from their anchor in absolute time, so
daylight saving does not touch them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from math import floor
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cron_descriptor import (  # type: ignore[import-untyped]  # it carries no types
    ExpressionDescriptor,
    Options,
)
from cronsim import CronSim, CronSimError

if TYPE_CHECKING:
    from collections.abc import Iterator

CRON = "cron"
INTERVAL = "interval"
SHORTEST_INTERVAL_SECONDS = 5


class TimeRuleError(ValueError):
    """A time rule that can never work. `field` names the input that is wrong."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeRule:
    """What a schedule says about time. A cron rule has `cron`, an interval `every_seconds` and `anchor_at`."""

    kind: str
    cron: str = ""
    every_seconds: int | None = None
    anchor_at: datetime | None = None
    time_zone: str = "UTC"


def check(rule: TimeRule) -> None:
    """Raise TimeRuleError when the rule can never fire or does not say enough."""
    zone(rule.time_zone)
    if rule.kind == CRON:
        _cron(rule, datetime.now(UTC))  # noqa: TID251 - any moment will do to parse the expression
    elif rule.kind == INTERVAL:
        _check_interval(rule)
    else:
        raise TimeRuleError("kind", f"Unknown kind of schedule {rule.kind!r}; use cron or interval.")


def after(rule: TimeRule, moment: datetime) -> Iterator[datetime]:
    """Every planned time later than `moment`, in order, as aware UTC times; an iterator without end."""
    if rule.kind == INTERVAL:
        return _interval_after(rule, moment)
    return (fire_at.astimezone(UTC) for fire_at in _cron(rule, moment))


def next_after(rule: TimeRule, moment: datetime) -> datetime | None:
    """The first planned time later than `moment`; None when there is none within the next years."""
    return next(iter(after(rule, moment)), None)


def preview(rule: TimeRule, moment: datetime, count: int = 20) -> list[datetime]:
    """The next `count` planned times after `moment`, in the rule's own time zone."""
    own = zone(rule.time_zone)
    return [fire_at.astimezone(own) for fire_at in islice(after(rule, moment), count)]


def in_words(rule: TimeRule) -> str:
    """The rule as a sentence, such as "At 06:30 AM, Monday through Friday (Europe/Berlin)"."""
    if rule.kind == INTERVAL:
        return f"Every {_span(rule.every_seconds or 0)}"
    options = Options()
    options.use_24hour_time_format = True
    return f"{ExpressionDescriptor(rule.cron, options).get_description()} ({rule.time_zone})"


def zone(name: str) -> ZoneInfo:
    """The IANA time zone of that name; TimeRuleError when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise TimeRuleError(
            "time_zone", f"There is no time zone {name!r}; use a name such as Europe/Berlin."
        ) from error


def _cron(rule: TimeRule, moment: datetime) -> CronSim:
    try:
        return CronSim(rule.cron, moment.astimezone(zone(rule.time_zone)))
    except CronSimError as error:
        msg = f"{rule.cron!r} is not a cron expression that can fire ({error}). Example: 30 6 * * 1-5"
        raise TimeRuleError("cron", msg) from error


def _check_interval(rule: TimeRule) -> None:
    if rule.every_seconds is None or rule.every_seconds < SHORTEST_INTERVAL_SECONDS:
        raise TimeRuleError(
            "every_seconds", f"An interval needs at least {SHORTEST_INTERVAL_SECONDS} seconds."
        )
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


def _span(seconds: int) -> str:
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length and seconds % length == 0:
            count = seconds // length
            return unit if count == 1 else f"{count} {unit}s"
    return "second" if seconds == 1 else f"{seconds} seconds"
