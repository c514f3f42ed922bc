"""Which back-ups stay: a decision about names and times alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How many stay: the newest ones, and the newest of so many days, weeks and months.

    Only days, weeks and months in which there is a back-up count, so that a month without any takes none of the others
    along. They are those of UTC, as the names of back-ups are; weeks begin on Monday.
    """

    last: int = 3
    daily: int = 7
    weekly: int = 4
    monthly: int = 6


@dataclass(frozen=True, slots=True)
class Dated:
    """A back-up as the policy sees it; one that `lacks` files stays for its period only where none of it is complete."""

    name: str
    at: datetime
    lacks: bool = False


def kept_for(backups: Iterable[Dated], policy: Policy) -> dict[str, list[str]]:
    """The names of those that stay, each with the rules it stays by ("last", "daily", "weekly", "monthly")."""
    newest_first = sorted(backups, key=lambda backup: backup.at, reverse=True)
    reasons: dict[str, list[str]] = {}
    for backup in newest_first[: policy.last]:
        reasons.setdefault(backup.name, []).append("last")
    periods: tuple[tuple[str, int, Callable[[datetime], object]], ...] = (
        ("daily", policy.daily, lambda at: at.date()),
        ("weekly", policy.weekly, lambda at: at.isocalendar()[:2]),
        ("monthly", policy.monthly, lambda at: (at.year, at.month)),
    )
    for rule, most, period_of in periods:
        best: dict[object, Dated] = {}
        for backup in newest_first:
            found = best.setdefault(period_of(backup.at), backup)
            if found.lacks and not backup.lacks:
                best[period_of(backup.at)] = backup
        for backup in list(best.values())[:most]:  # in the order in which the periods came: the newest first
            reasons.setdefault(backup.name, []).append(rule)
    return reasons
