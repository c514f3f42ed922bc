"""What a schedule says about time, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

if TYPE_CHECKING:
    from datetime import datetime

T = TypeVar("T", bound=StrEnum)
CRON = "cron"
INTERVAL = "interval"
ONCE = "once"
SHORTEST_INTERVAL_SECONDS = 5
LONGEST_INTERVAL_SECONDS = 366 * 86_400


class TimeRuleError(ValueError):
    """A time rule that can never work. `field` names the input that is wrong."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Gap(StrEnum):
    """What becomes of a time that clocks jump over in spring."""

    AS_CRON = "as_cron"
    SKIP = "skip"
    AFTER = "after"


class Repeated(StrEnum):
    """What becomes of a time that clocks show twice in autumn."""

    AS_CRON = "as_cron"
    FIRST = "first"
    BOTH = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeRule:
    """When something is planned.

    A cron rule has `cron`, an interval `every_seconds` and `anchor_at` (the moment it counts from), a single time
    `once_at`. `gap` and `repeated` speak of cron rules alone: the other kinds name moments, not readings of a clock.
    """

    kind: str
    cron: str = ""
    every_seconds: int | None = None
    anchor_at: datetime | None = None
    once_at: datetime | None = None
    time_zone: str = "UTC"
    gap: str = Gap.AS_CRON
    repeated: str = Repeated.AS_CRON


def zone(name: str) -> ZoneInfo:
    """The IANA time zone of that name; TimeRuleError when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise TimeRuleError(
            "time_zone", f"There is no time zone {name!r}; use a name such as Europe/Berlin."
        ) from error


def clock_choices(rule: TimeRule) -> tuple[Gap, Repeated]:
    """What the rule does in the gap and in the repeated hour, with "as cron does" resolved.

    Debian's cron moves a fixed time out of the gap and fires it once in the repeated hour, while a rule whose minute or
    hour begins with `*` goes by the clock: what the clock never shows is not fired, what it shows twice is fired twice.
    """
    gap, repeated = _choice(Gap, "gap", rule.gap), _choice(Repeated, "repeated", rule.repeated)
    goes_by_the_clock = any(part.startswith("*") for part in rule.cron.split()[:2])
    if gap is Gap.AS_CRON:
        gap = Gap.SKIP if goes_by_the_clock else Gap.AFTER
    if repeated is Repeated.AS_CRON:
        repeated = Repeated.BOTH if goes_by_the_clock else Repeated.FIRST
    return gap, repeated


def _choice(kind: type[T], field: str, value: str) -> T:
    try:
        return kind(value)
    except ValueError as error:
        known = ", ".join(kind)
        raise TimeRuleError(field, f"{value!r} is not one of {known}.") from error
