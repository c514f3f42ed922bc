"""What a customer will have stored some days from now, if it goes on as it did: a straight line through the daily totals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

AHEAD_DAYS = 30
LOOKED_BACK_DAYS = 14
"""What is older says little about what comes next: rules change, and automations come and go."""
LEAST_DAYS = 3
"""A line through fewer would be a guess."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """The line: bytes now, bytes each day more (or less), and both for a month ahead.

    `per_day` is None while there are too few days to say.
    """

    now_bytes: int
    per_day: float | None

    def after(self, days: int) -> int | None:
        """The bytes so many days from now, never below nothing; None while nobody can say."""
        return None if self.per_day is None else max(0, round(self.now_bytes + self.per_day * days))

    def days_until(self, most_bytes: int) -> int | None:
        """In how many days it will be more than that: 0 when it is, None when that is not in sight."""
        if self.now_bytes > most_bytes:
            return 0
        if self.per_day is None or self.per_day <= 0:
            return None
        return int((most_bytes - self.now_bytes) // self.per_day) + 1


def forecast(totals: Sequence[tuple[int, int]]) -> Forecast:
    """The forecast from the totals of the last days: pairs of day number and bytes, in order; the last one is now.

    The slope is that of the least squares, so that one odd day bends it little.
    """
    recent = [pair for pair in totals if pair[0] > totals[-1][0] - LOOKED_BACK_DAYS] if totals else []
    if len(recent) < LEAST_DAYS:
        return Forecast(recent[-1][1] if recent else 0, None)
    middle_day = sum(day for day, _ in recent) / len(recent)
    middle_bytes = sum(size for _, size in recent) / len(recent)
    spread = sum((day - middle_day) ** 2 for day, _ in recent)
    together = sum((day - middle_day) * (size - middle_bytes) for day, size in recent)
    return Forecast(recent[-1][1], together / spread)
