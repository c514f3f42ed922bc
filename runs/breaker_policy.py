"""When a site counts as broken, and what a probe proves: pure functions of values.

The circuit breaker of Nygard's "Release It!": closed (all is well), open (its attempts wait), half open (one attempt
goes ahead to see).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING

from infra_shared.retries import RetryPolicy
from webgraph.errors import FailureKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

LONGEST_PAUSE = timedelta(minutes=30)
LONGEST_RETRY_AFTER = timedelta(hours=1)
"""No single answer of a site keeps everybody away from it for longer."""
_SITE_IS_AWAY = frozenset(
    {FailureKind.NAVIGATION, FailureKind.RATE_LIMITED, FailureKind.BLOCKED_BY_SITE, FailureKind.PROXY}
)
_SITE_ANSWERED = frozenset(
    {
        FailureKind.TARGET_NOT_FOUND,
        FailureKind.TARGET_AMBIGUOUS,
        FailureKind.WRONG_PAGE,
        FailureKind.AUTH,
        FailureKind.BAD_RESULT,
    }
)


class Sign(Enum):
    """What the end of an attempt says about its sites."""

    WELL = auto()
    AWAY = auto()
    NONE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How many failures in which time open a breaker, and how long it stays open at first."""

    failures: int
    window: timedelta
    pause: timedelta


def sign_of(kind: FailureKind | None, *, last_action: str) -> Sign:
    """What an end says of the site; `kind` is None for a success, `last_action` the step it ended in.

    A timeout counts where a page was being opened: everywhere else the automation may be what is slow.
    """
    if kind is None or kind in _SITE_ANSWERED:
        return Sign.WELL
    if kind in _SITE_IS_AWAY or (kind is FailureKind.TIMEOUT and last_action == "goto"):
        return Sign.AWAY
    return Sign.NONE


def within_window(failures: Sequence[datetime], now: datetime, patience: Patience) -> list[datetime]:
    """The failures that still count, the latest ones only: no more are kept than open a breaker."""
    return sorted(at for at in failures if at > now - patience.window)[-patience.failures :]


def pause_after(times_opened: int, patience: Patience) -> timedelta:
    """How long it stays open: twice as long after each probe that failed, up to LONGEST_PAUSE."""
    longest = max(LONGEST_PAUSE, patience.pause)
    probes = RetryPolicy(first_pause=patience.pause, longest_pause=longest, jitter=0)
    return probes.pause_after(times_opened, chance=0)


def to_blame(sites: Sequence[str], words: str) -> list[str]:
    """The sites an end is about: those its words name, or all where they name none."""
    named = [site for site in sites if site in words]
    return named or list(sites)
