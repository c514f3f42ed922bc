"""The conservation ledger: what came is what was answered, and what was stored is somewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from django.db.models import CharField, Count, F, Sum, Value

from infra_shared.models import ALL
from intake.models import DeadLetter, Event, IntakeLedger
from intake.states import EventState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from intake.models import EventQuerySet, IntakeLedgerQuerySet

_ANSWERS = ("received", "stored", "duplicate", "rejected")
_LEDGER = "ledger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conservation:
    """What was counted at the origin over some days.

    received = stored + duplicate + rejected; stored = routed + failed + ignored + pending. The left sides are counters
    written with each answer, the second right side is counted over the events themselves.
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
    return Conservation(
        **dict(zip(_ANSWERS, counts.get(_LEDGER, (0, 0, 0, 0)), strict=True)),
        **{state.value: counts.get(state.value, (0,))[0] for state in EventState},
        dead_letters=letters.count(),
    )


def _counted(lines: IntakeLedgerQuerySet, events: EventQuerySet) -> dict[str, tuple[int, ...]]:
    """The ledger's sums and the number of events by state, in one statement: two would see two moments."""
    sums = {f"sum_{name}": Sum(name, default=0) for name in _ANSWERS}
    of_ledger = lines.order_by().annotate(kind=Value(_LEDGER, output_field=CharField())).values_list("kind")
    nothing = {f"sum_{name}": Value(0) for name in _ANSWERS[1:]}
    of_events = events.order_by().annotate(kind=F("state")).values_list("kind")
    both = of_ledger.annotate(**sums).union(of_events.annotate(sum_received=Count("pk"), **nothing), all=True)
    return {kind: tuple(int(number) for number in numbers) for kind, *numbers in both}


def _begin(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time.min, tzinfo=UTC)


def _end(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day + timedelta(days=1), time.min, tzinfo=UTC)
