"""How runs ended over time, read from the figures that are written when a run ends: no history is counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils import timezone

from runs.admin.run_filters import between
from runs.durations import merged, percentile
from runs.models import HourFigures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runs.models.rollup import HourQuerySet

DAYS = 14
HOURS = 24


@dataclass(slots=True)
class Bar:
    """What ended within one hour or day, ready to be drawn: heights are percent of the highest bar."""

    begin: datetime
    end: datetime
    title: str
    succeeded: int = 0
    failed: int = 0
    histogram: Counter[int] = field(default_factory=Counter)
    succeeded_height: float = 0
    failed_height: float = 0
    p50_height: float = 0
    p95_height: float = 0
    query: str = ""

    @property
    def ended(self) -> int:
        """How many count; cancelled ones do not."""
        return self.succeeded + self.failed

    @property
    def p50(self) -> float | None:
        """The seconds half of the successes stayed below."""
        return percentile(self.histogram, 0.5)

    @property
    def p95(self) -> float | None:
        """The seconds all but one in twenty successes stayed below."""
        return percentile(self.histogram, 0.95)

    @property
    def url(self) -> str:
        """The list of the runs of that time."""
        return f"{reverse('admin:runs_run_changelist')}?when={between(self.begin, self.end)}{self.query}"


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars in order of time, and what they come to."""

    bars: Sequence[Bar]
    span: str
    succeeded: int
    failed: int
    p50: float | None
    p95: float | None
    longest: float

    @property
    def ended(self) -> int:
        """How many runs are in it."""
        return self.succeeded + self.failed

    @property
    def success_percent(self) -> str:
        """The share of successes, never rounded up to all; empty without any run."""
        if not self.ended:
            return ""
        share = 100 * self.succeeded / self.ended
        return "100" if not self.failed else f"{min(share, 99.9):.1f}"


def read_chart(rows: HourQuerySet, *, query: str = "") -> Chart:
    """The last days of the given figures, or the last hours while there is nothing older.

    `query` is added to each bar's link, such as "&automation__id__exact=3".
    """
    now = timezone.localtime()
    day = timedelta(days=1)
    yesterday = (now - day).replace(minute=0, second=0, microsecond=0)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    begin = midnight - (DAYS - 1) * day
    found = list(rows.since(begin).values_list("hour", "succeeded", "failed", "seconds_histogram").iterator())
    if not found or found[0][0] >= yesterday:
        hour = timedelta(hours=1)
        first = now.replace(minute=0, second=0, microsecond=0) - (HOURS - 1) * hour
        bars = [_bar(first + number * hour, hour, "%H:%M", query) for number in range(HOURS)]
        span = f"last {HOURS} hours"
    else:
        bars = [_bar(begin + number * day, day, "%A %d %B", query) for number in range(DAYS)]
        span = f"last {DAYS} days"
    _fill(bars, found)
    return _drawn(bars, span)


def _bar(begin: datetime, length: timedelta, pattern: str, query: str) -> Bar:
    return Bar(begin, begin + length, begin.strftime(pattern), query=query)


def _fill(bars: list[Bar], found: list[tuple[datetime, int, int, dict[str, int]]]) -> None:
    """Add each hour to the bar it began in. Both are in order of time."""
    waiting = iter(bars)
    bar = next(waiting)
    for hour, succeeded, failed, histogram in found:
        if hour < bar.begin and bar is bars[0]:
            continue
        while hour >= bar.end:
            following = next(waiting, None)
            if following is None:
                return
            bar = following
        bar.succeeded += succeeded
        bar.failed += failed
        bar.histogram.update(merged([histogram]))


def _drawn(bars: list[Bar], span: str) -> Chart:
    highest = max((bar.ended for bar in bars), default=0) or 1
    longest = max((bar.p95 or 0 for bar in bars), default=0)
    for bar in bars:
        bar.succeeded_height = 100 * bar.succeeded / highest
        bar.failed_height = 100 * bar.failed / highest
        bar.p50_height = 100 * (bar.p50 or 0) / (longest or 1)
        bar.p95_height = 100 * (bar.p95 or 0) / (longest or 1)
    total: Counter[int] = Counter()
    for bar in bars:
        total.update(bar.histogram)
    return Chart(
        bars=bars,
        span=span,
        succeeded=sum(bar.succeeded for bar in bars),
        failed=sum(bar.failed for bar in bars),
        p50=percentile(total, 0.5),
        p95=percentile(total, 0.95),
        longest=longest,
    )


def figures_of(*, customers: list[str], automation_id: int | None = None) -> HourQuerySet:
    """The figures within reach of these customers ("*": all), of one automation or of all."""
    rows = HourFigures.objects.for_customers(customers)
    return rows.filter(automation_id=automation_id) if automation_id is not None else rows
