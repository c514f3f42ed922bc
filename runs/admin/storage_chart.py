"""What is stored in all, day by day, and the line it follows for a month more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from infra_shared.sizes import in_words
from runs.services.storage_outlook import whole
from runs.storage_forecast import AHEAD_DAYS, LOOKED_BACK_DAYS, forecast

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from runs.services.storage_outlook import Outlook


@dataclass(frozen=True, slots=True)
class Day:
    """One bar: its height is percent of the highest."""

    title: str
    height: float
    is_ahead: bool


@dataclass(frozen=True, slots=True)
class StorageChart:
    """The bars in order of time, and what they say in words; no bars while nothing was counted."""

    bars: Sequence[Day]
    stored: str
    later: str
    """What it comes to in a month; empty while there are too few days to say."""
    looked_back: int = LOOKED_BACK_DAYS


def read_storage_chart(outlooks: Sequence[Outlook]) -> StorageChart:
    """The chart of these customers together."""
    totals = whole(outlooks)
    if not totals:
        return StorageChart((), in_words(0), "")
    line = forecast([(day.toordinal(), size) for day, size in totals.items()])
    last = max(totals)
    ahead = [
        (last + timedelta(days=number), size)
        for number in range(1, AHEAD_DAYS + 1)
        if (size := line.after(number)) is not None
    ]
    highest = max([*totals.values(), *(size for _, size in ahead)]) or 1
    past = [_bar(day, size, highest, is_ahead=False) for day, size in totals.items()]
    later = line.after(AHEAD_DAYS)
    return StorageChart(
        [*past, *(_bar(day, size, highest, is_ahead=True) for day, size in ahead)],
        in_words(line.now_bytes),
        in_words(later) if later is not None else "",
    )


def _bar(day: date, size: int, highest: int, *, is_ahead: bool) -> Day:
    return Day(f"{day:%d %B}: {'about ' if is_ahead else ''}{in_words(size)}", 100 * size / highest, is_ahead)
