"""Durations as a small histogram: pure functions.

Buckets grow by the fourth root of two, so a percentile read from one is at most 19 % above the true value.
"""

from __future__ import annotations

from collections import Counter
from math import ceil, log2
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

STEPS_AN_OCTAVE = 4


def bucket(seconds: float) -> int:
    """The bucket of a duration: the smallest n with seconds < 2 ** (n / 4), at least 0."""
    if seconds <= 0:
        return 0
    exact = log2(seconds) * STEPS_AN_OCTAVE
    return max(0, ceil(exact) if exact != ceil(exact) else int(exact) + 1)


def upper_bound(number: int) -> float:
    """The seconds below which the durations of a bucket lie."""
    return float(2 ** (number / STEPS_AN_OCTAVE))


def merged(histograms: Iterable[Mapping[str, int]]) -> Counter[int]:
    """Several stored histograms (JSON, hence text keys) as one."""
    total: Counter[int] = Counter()
    for histogram in histograms:
        total.update({int(number): count for number, count in histogram.items()})
    return total


def percentile(histogram: Mapping[int, int], share: float) -> float | None:
    """The duration in seconds that `share` (0 to 1) of the runs stayed below; None without any run."""
    total = sum(histogram.values())
    if not total:
        return None
    seen = 0
    for number in sorted(histogram):
        seen += histogram[number]
        if seen >= share * total:
            break
    return upper_bound(number)
