"""When people are told of an alert. Values in, a decision out; no database, no network."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

QUIET = timedelta(hours=1)
"""What opens and closes again and again is told at most this often."""
REMIND_AFTER = timedelta(hours=24)
"""What stays open and nobody has taken on is told again after this."""


class Telling(Enum):
    """What is due to be said."""

    NOTHING = auto()
    OPENED = auto()
    REMINDER = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the decision looks at. `is_told`: people know it to be open; `told_at`: when that was last said."""

    is_open: bool
    is_told: bool
    is_acknowledged: bool
    told_at: datetime | None
    muted_until: datetime | None


def telling_due(facts: Facts, now: datetime) -> Telling:
    """Whether to tell of an alert now.

    Nothing is said while it is muted. What opened is said at once, unless the same was said less than an hour ago; then
    it is held back until that hour is over, and not said at all if things work again by then.
    """
    if not facts.is_open or (facts.muted_until is not None and facts.muted_until > now):
        return Telling.NOTHING
    since = now - facts.told_at if facts.told_at is not None else None
    if not facts.is_told:
        return Telling.OPENED if since is None or since >= QUIET else Telling.NOTHING
    if not facts.is_acknowledged and since is not None and since >= REMIND_AFTER:
        return Telling.REMINDER
    return Telling.NOTHING
