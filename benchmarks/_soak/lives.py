"""What looks at processes say about leaks: pure functions from rows of figures to one.

A *place* is a role in the tree with a number (`worker_cluster default/2 #1`). Who takes it over from a process that was
killed or recycled goes on under its name, as another *life*: it starts smaller than its predecessor ended, which would
hide a leak in a sum. So each life has a level of its own, and all lives of one place share one slope. Where nothing was
replaced, the slopes of all places add up to just the slope of the summed memory.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

COMPARED = 3
"""How many looks at either end are compared: what comes and goes is in some of them, what leaks in all later ones."""


@dataclass(frozen=True, slots=True)
class Look:
    """One process when so many runs were over."""

    runs: int
    rss_bytes: int
    descriptors: int


@dataclass(slots=True)
class Life:
    """One process in its place, from the first look that met it to the last."""

    place: str
    looks: list[Look] = field(default_factory=list)

    def settled(self, warm_up_runs: int) -> list[Look]:
        """The looks after its warm-up, which begins with the look that met it first."""
        return [look for look in self.looks if look.runs >= self.looks[0].runs + warm_up_runs]


def slopes(lives: Iterable[Life], *, warm_up_runs: int) -> dict[str, float]:
    """Bytes for each run by which each place grows: least squares, each life with a level of its own.

    A place in which no life was looked at twice after its warm-up has no slope and is not among them.
    """
    above: defaultdict[str, float] = defaultdict(float)
    below: defaultdict[str, float] = defaultdict(float)
    for life in lives:
        looks = life.settled(warm_up_runs)
        if len(looks) < 2:
            continue
        mean_runs, mean_bytes = fmean(look.runs for look in looks), fmean(look.rss_bytes for look in looks)
        above[life.place] += sum((look.runs - mean_runs) * (look.rss_bytes - mean_bytes) for look in looks)
        below[life.place] += sum((look.runs - mean_runs) ** 2 for look in looks)
    return {place: above[place] / below[place] for place in below}


def growth(figures: Sequence[int]) -> int:
    """By how much the last figures are all above each of the first ones; 0 when they are not, or there is only one."""
    count = min(COMPARED, len(figures) // 2)
    if not count:
        return 0
    return max(0, min(figures[-count:]) - max(figures[:count]))


def descriptor_growth(lives: Iterable[Life], *, warm_up_runs: int) -> Mapping[str, int]:
    """For each place in which open descriptors became more within one life: how many more."""
    found: defaultdict[str, int] = defaultdict(int)
    for life in lives:
        found[life.place] += growth([look.descriptors for look in life.settled(warm_up_runs)])
    return {place: count for place, count in found.items() if count}
