"""Whether dispatching goes on."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from infra_shared.figures import Family, Group, Label, register
from runs.services.dispatchers import DISPATCHER_STATES, read_dispatchers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from infra_shared.figures import Figure

DISPATCHERS = Family(
    name="automation_dispatchers",
    words=(
        "Dispatchers, those of nodes and those by themselves: ticking, or silent (no completed tick for three leases). "
        "One that left on purpose is not counted."
    ),
    labels=(Label("state", DISPATCHER_STATES),),
)
LATEST_TICK = Family(
    name="automation_dispatchers_latest_tick_seconds",
    words=(
        "How long ago any of them completed a tick; told each quarter lease, so it moves between 0 and that while all is "
        "well. No figure when there is no dispatcher at all."
    ),
)


def read_ticks(now: datetime) -> Iterator[Figure]:
    """What their rows say, of which there are a handful."""
    known = read_dispatchers(now)
    counts = Counter(state for _, state in known)
    for state in DISPATCHER_STATES:
        yield DISPATCHERS.of(counts[state], state)
    if known:
        latest, _ = known[0]
        yield LATEST_TICK.of(max((now - latest.ticked_at).total_seconds(), 0))


register(Group(title="Dispatchers", families=(DISPATCHERS, LATEST_TICK), read=read_ticks))
