"""The conservation ledger: what came is what was answered, and what was stored is somewhere."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from django.db.models import CharField, Count, F, Sum, Value

from infra_shared.models import ALL
from intake.models import DeadLetter, Event, IntakeLedger
from intake.states import EventState

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from intake.models import EventQuerySet, IntakeLedgerQuerySet, Source

_ANSWERS = ("received", "stored", "duplicate", "rejected")
_REMOVED = {
    EventState.ROUTED: "removed_routed",
    EventState.FAILED: "removed_failed",
    EventState.IGNORED: "removed_ignored",
}
"""Where the events of a state are counted once they were removed."""
_COUNTS = (*_ANSWERS, *_REMOVED.values())
_LEDGER = "ledger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conservation:
    """What was counted at the origin over some days.

    received = stored + duplicate + rejected; stored = routed + failed + ignored + pending. The left sides are counters
    written with each answer, the second right side is counted over the events themselves, with those that were removed
    since, because they were old, as they were counted then.
    """

    received: int
    stored: int
    duplicate: int
    rejected: int
    routed: int
    failed: int
    ignored: int
    pending: int
    dead_letters: int
    """Those that are open now, whenever they died: messages that the edge keeps and this server does not have."""

    @property
    def is_balanced(self) -> bool:
        """Whether both sums hold: nothing was lost, nothing counted twice."""
        answered = self.stored + self.duplicate + self.rejected
        placed = self.routed + self.failed + self.ignored + self.pending
        return self.received == answered and self.stored == placed


def conservation(
    *,
    customers: Iterable[str] = (ALL,),
    first_day: date | None = None,
    last_day: date | None = None,
    source: str = "",
) -> Conservation:
    """The ledger of these customers from the first to the last day (UTC, both included; None leaves a side open)."""
    keys = list(customers)
    lines = IntakeLedger.objects.for_customers(keys)
    events = Event.objects.for_customers(keys).stored_between(_begin(first_day), _end(last_day))
    letters = DeadLetter.objects.open().for_customers(keys)
    if first_day is not None:
        lines = lines.filter(day__gte=first_day)
    if last_day is not None:
        lines = lines.filter(day__lte=last_day)
    if source:
        lines, events, letters = (
            lines.filter(slug=source),
            events.filter(source__slug=source),
            letters.filter(slug=source),
        )
    counts = _counted(lines, events)
    written = dict(zip(_COUNTS, counts.get(_LEDGER, (0,) * len(_COUNTS)), strict=True))
    there = {state: counts.get(state.value, (0,))[0] for state in EventState}
    return Conservation(
        **{name: written[name] for name in _ANSWERS},
        **{state.value: there[state] + written.get(_REMOVED.get(state, ""), 0) for state in EventState},
        dead_letters=letters.count(),
    )


def count_removed(removed: Collection[tuple[date, Source, str]]) -> None:
    """Count events that go because they are old, each by the day it was stored, its source and its state.

    Part of the transaction that removes them, so that the ledger is in balance before and after.
    """
    counts = Counter((day, source.slug, EventState(state)) for day, source, state in removed)
    sources = {source.slug: source for _, source, _ in removed}
    wanted = sorted({(day, slug) for day, slug, _ in counts})
    IntakeLedger.objects.bulk_create(
        [IntakeLedger(day=day, slug=slug, source=sources[slug]) for day, slug in wanted],
        ignore_conflicts=True,
    )
    named = IntakeLedger.objects.filter(day__in={day for day, _ in wanted}, slug__in=sources)
    rows = [
        row for row in named.order_by("day", "slug").select_for_update() if (row.day, row.slug) in set(wanted)
    ]
    for row in rows:
        for state, field in _REMOVED.items():
            setattr(row, field, getattr(row, field) + counts[row.day, row.slug, state])
    IntakeLedger.objects.bulk_update(rows, list(_REMOVED.values()))


def _counted(lines: IntakeLedgerQuerySet, events: EventQuerySet) -> dict[str, tuple[int, ...]]:
    """The ledger's sums and the number of events by state, in one statement: two would see two moments."""
    sums = {f"sum_{name}": Sum(name, default=0) for name in _COUNTS}
    of_ledger = lines.order_by().annotate(kind=Value(_LEDGER, output_field=CharField())).values_list("kind")
    nothing = {f"sum_{name}": Value(0) for name in _COUNTS[1:]}
    of_events = events.order_by().annotate(kind=F("state")).values_list("kind")
    both = of_ledger.annotate(**sums).union(of_events.annotate(sum_received=Count("pk"), **nothing), all=True)
    return {kind: tuple(int(number) for number in numbers) for kind, *numbers in both}


def _begin(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time.min, tzinfo=UTC)


def _end(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day + timedelta(days=1), time.min, tzinfo=UTC)
