"""Whether a failed attempt is followed by another, and when: pure functions of values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from infra_shared.retries import RetryPolicy
from webgraph.errors import FailureKind

if TYPE_CHECKING:
    from collections.abc import Mapping

BACKOFF = RetryPolicy(first_pause=timedelta(seconds=5), longest_pause=timedelta(minutes=10))
LONGEST_RETRY_AFTER = timedelta(days=1)
"""A site that asks for more is asked again after a day."""
WITHOUT_DELAY = frozenset({FailureKind.WORKER_LOST, FailureKind.BROWSER_CRASH})
"""Kinds whose first retry comes at once: the site did nothing wrong, so there is nothing to wait out."""

FREE_CRASHES = 2
"""How often a run may lose a browser it shared without that counting; from then on it gets one of its own, whose
crashes count: so innocent runs lose nothing, and a page that crashes every browser ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What follows a failed attempt: another one after `delay`, or none, with the reason in words."""

    retry: bool
    delay: timedelta
    reason: str


def judge(  # noqa: PLR0913 - the whole decision in one place, by keyword
    *,
    kind: FailureKind,
    permanent: bool,
    attempts_made: int,
    max_attempts: int,
    overrides: Mapping[str, bool],
    retry_after: timedelta | None,
    chance: float,
    time_left: timedelta | None = None,
    free: bool = False,
) -> Verdict:
    """Decide what follows attempt number `attempts_made`, which failed with `kind`.

    One that was `free` is no part of that number, and the next begins at once.

    `permanent` is what the error itself says, `overrides` what the automation says of the kind (it wins), and
    `chance` a random number in [0, 1) for the full jitter of BACKOFF. A site's own Retry-After is a lower bound. An
    attempt that could not begin within the run's `time_left` is not made.
    """
    if not overrides.get(kind.value, not permanent):
        return Verdict(retry=False, delay=timedelta(), reason=f"{kind} is not worth another attempt")
    if free:
        delay, reason = timedelta(), "the browser it shared with others went away; the attempt does not count"
        return _in_time(Verdict(retry=True, delay=delay, reason=reason), time_left)
    if attempts_made >= max_attempts:
        return Verdict(retry=False, delay=timedelta(), reason=f"all {max_attempts} attempts are used")
    delay = BACKOFF.pause_after(attempts_made, chance=chance)
    if kind in WITHOUT_DELAY and attempts_made == 1:
        delay = timedelta()
    if retry_after is not None:
        delay = max(delay, min(retry_after, LONGEST_RETRY_AFTER))
    reason = f"attempt {attempts_made} of {max_attempts} failed ({kind})"
    return _in_time(Verdict(retry=True, delay=delay, reason=reason), time_left)


def _in_time(verdict: Verdict, time_left: timedelta | None) -> Verdict:
    if time_left is not None and verdict.delay >= time_left:
        return Verdict(retry=False, delay=timedelta(), reason="the whole run's time is over")
    return verdict
