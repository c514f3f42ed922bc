"""Trying again: the one policy behind every repeated act, in memory or through the database.

A `RetryPolicy` says how often and how far apart; a `Failure` says whether this error is worth another try and what the
other side asked for; `next_pause` joins the two, a pure function. `call` and `call_async` keep trying in memory, with
tenacity turning the loop. What outlives the process (attempts of runs, messages of the outbox) asks for the pause and
keeps the due time in its row. No other module writes such a loop; a test looks.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from tenacity import AsyncRetrying, RetryCallState, Retrying, retry_if_exception

from infra_shared import clock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")
_NOTHING = timedelta(0)
_MOST_DOUBLINGS = 32
_chance = random.random


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often the same work is tried, and how long between two tries.

    The pause after the n-th failure has the ceiling `first_pause` * 2 ** (n - 1), at most `longest_pause`. `jitter` is
    the share of the ceiling that is left to chance, so that many who failed together do not come back together: 1 is
    full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter"), 0 none.
    `max_attempts` and `within` bound the tries and the time since the first one began; None sets no bound.
    """

    first_pause: timedelta = _NOTHING
    longest_pause: timedelta
    jitter: float = 1.0
    max_attempts: int | None = None
    within: timedelta | None = None

    def __post_init__(self) -> None:
        if not _NOTHING <= self.first_pause <= self.longest_pause:
            msg = f"A policy's pauses must grow from {self.first_pause} to {self.longest_pause}."
            raise ValueError(msg)
        if not 0 <= self.jitter <= 1:
            msg = f"jitter is a share between 0 and 1, not {self.jitter}."
            raise ValueError(msg)
        if self.max_attempts is not None and self.max_attempts < 1:
            msg = f"Work is tried at least once, not {self.max_attempts} times."
            raise ValueError(msg)

    def pause_after(self, failures: int, *, chance: float) -> timedelta:
        """The pause after so many failures, by the formula alone; `chance` is a random number in [0, 1)."""
        doublings = min(max(failures - 1, 0), _MOST_DOUBLINGS)
        ceiling = min(self.first_pause.total_seconds() * 2**doublings, self.longest_pause.total_seconds())
        return timedelta(seconds=ceiling * (1 - self.jitter + self.jitter * chance))


@dataclass(frozen=True, slots=True)
class Failure:
    """What an error says about another try: whether one may help, and how long the other side wants to be left alone."""

    retryable: bool
    not_before: timedelta = _NOTHING


RETRYABLE = Failure(retryable=True)
PERMANENT = Failure(retryable=False)


def next_pause(
    policy: RetryPolicy, failure: Failure, *, attempts: int, chance: float, spent: timedelta = _NOTHING
) -> timedelta | None:
    """How long to wait before the next try, after `attempts` of them and `spent` time; None to give up.

    What the other side asked for is a lower bound, whatever the policy's longest pause. The last pause is cut short, so
    that there is one more try when the time is over; one that was asked for is not, so it ends the trying instead.
    """
    if not failure.retryable or (policy.max_attempts is not None and attempts >= policy.max_attempts):
        return None
    pause = max(policy.pause_after(attempts, chance=chance), failure.not_before)
    if policy.within is None:
        return pause
    left = policy.within - spent
    if left <= _NOTHING or failure.not_before >= left:
        return None
    return min(pause, left)


def call(
    work: Callable[[], T],
    *,
    policy: RetryPolicy,
    judge: Callable[[BaseException], Failure],
    before_pause: Callable[[BaseException], object] = lambda _error: None,
    sleep: Callable[[float], None] = clock.sleep,
    monotonic: Callable[[], float] = clock.monotonic,
) -> T:
    """What `work` returns, tried again while `judge` and the policy say so; else its last error, as it was raised.

    `judge` sees every error, those included that are no Exception, and decides alone which are swallowed.
    `before_pause` is called with the error that is about to be waited out.
    """
    course = _Course(policy, judge, monotonic)
    retrying = Retrying(
        retry=retry_if_exception(course.is_worth_it),
        wait=course.pause_seconds,
        stop=course.is_over,
        sleep=sleep,
        before_sleep=_told(before_pause),
        reraise=True,
    )
    return retrying(work)


async def call_async(
    work: Callable[[], Awaitable[T]],
    *,
    policy: RetryPolicy,
    judge: Callable[[BaseException], Failure],
    before_pause: Callable[[BaseException], object] = lambda _error: None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    monotonic: Callable[[], float] = clock.monotonic,
) -> T:
    """What `work` returns, as `call` does it, on the running event loop."""
    course = _Course(policy, judge, monotonic)
    retrying = AsyncRetrying(
        retry=retry_if_exception(course.is_worth_it),
        wait=course.pause_seconds,
        stop=course.is_over,
        sleep=sleep,
        before_sleep=_told(before_pause),
        reraise=True,
    )

    async def one_try() -> T:  # tenacity awaits only what is declared so
        return await work()

    return await retrying(one_try)


class _Course:
    """One piece of work under way, as tenacity asks about it: worth it? how long? over?"""

    def __init__(
        self,
        policy: RetryPolicy,
        judge: Callable[[BaseException], Failure],
        monotonic: Callable[[], float],
    ) -> None:
        self._policy = policy
        self._judge = judge
        self._monotonic = monotonic
        self._began = monotonic()
        self._failure = PERMANENT
        self._pause: timedelta | None = None

    def is_worth_it(self, error: BaseException) -> bool:
        """Asked first, with what was raised."""
        self._failure = self._judge(error)
        return self._failure.retryable

    def pause_seconds(self, state: RetryCallState) -> float:
        """Asked next; a pause that is none is told by `is_over`."""
        spent = timedelta(seconds=self._monotonic() - self._began)
        self._pause = next_pause(
            self._policy, self._failure, attempts=state.attempt_number, chance=_chance(), spent=spent
        )
        return self._pause.total_seconds() if self._pause is not None else 0.0

    def is_over(self, _state: RetryCallState) -> bool:
        """Asked last."""
        return self._pause is None


def _told(before_pause: Callable[[BaseException], object]) -> Callable[[RetryCallState], None]:
    def tell(state: RetryCallState) -> None:
        assert state.outcome is not None  # it is called after a try
        error = state.outcome.exception()
        assert error is not None  # which failed
        before_pause(error)

    return tell
