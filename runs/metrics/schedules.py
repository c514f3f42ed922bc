"""Whether schedules fire on time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Count, DurationField, ExpressionWrapper, F, IntegerField, Max, Min, Q, Sum, Value
from django.db.models.functions import Cast

from automations.models import Overlap, Schedule
from infra_shared.figures import Family, Group, Label, register
from runs.models import Occurrence, OccurrenceState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from infra_shared.figures import Figure

_LOOKED_BACK = timedelta(hours=1)
_NONE = timedelta(0)

HANDLED = Family(
    name="automation_schedule_hour_occurrences",
    words="Planned times that were handled within the last hour, by what became of them; backfills are left out.",
    labels=(Label("state", tuple(OccurrenceState.values)),),
)
LATE_MOST = Family(
    name="automation_schedule_hour_lateness_max_seconds",
    words=(
        "Of those that fired, how late the latest did: from when it was due, the schedule's spread included. Schedules that "
        "queue behind their own earlier run are left out: they are late because they were told to be."
    ),
)
LATE_SUM = Family(
    name="automation_schedule_hour_lateness_sum_seconds",
    words="How late they were in all: by `automation_schedule_hour_lateness_count`, the mean.",
)
LATE_COUNT = Family(
    name="automation_schedule_hour_lateness_count",
    words="How many fired times the two figures above are about.",
)
OVERDUE = Family(
    name="automation_schedule_overdue_seconds",
    words=(
        "How long the most overdue schedule has waited for a dispatcher; 0 when none waits. It grows while no dispatcher "
        "lives, when nothing is handled and the figures above say nothing."
    ),
)


def read_schedules(now: datetime) -> Iterator[Figure]:
    """What the last hour's occurrences say, and what is due now."""
    yield from _read_last_hour(now)
    waiting = Schedule.objects.present().filter(paused_at__isnull=True)
    first = waiting.aggregate(first=Min("next_fire_at"))["first"] or now
    yield OVERDUE.of(max((now - first).total_seconds(), 0))


def _read_last_hour(now: datetime) -> Iterator[Figure]:
    # SQLite multiplies a duration by plain integers alone.
    seconds = Cast("offset_seconds", IntegerField())
    offset = ExpressionWrapper(seconds * Value(timedelta(seconds=1)), output_field=DurationField())
    late = ExpressionWrapper(F("handled_at") - F("fire_at") - offset, output_field=DurationField())
    untold = ~Q(schedule__overlap=Overlap.QUEUE)
    lately = Occurrence.objects.order_by().filter(handled_at__gt=now - _LOOKED_BACK, backfill=False)
    rows = lately.values_list("state").annotate(
        handled=Count("pk"),
        most=Max(late, filter=untold),
        total=Sum(late, filter=untold),
        judged=Count("pk", filter=untold),
    )
    found = {state: sums for state, *sums in rows}
    for state in OccurrenceState:
        yield HANDLED.of(found[state][0] if state in found else 0, state.value)
    _, most, total, judged = found.get(OccurrenceState.FIRED, (0, None, None, 0))
    yield LATE_MOST.of((most or _NONE).total_seconds())
    yield LATE_SUM.of((total or _NONE).total_seconds())
    yield LATE_COUNT.of(judged)


register(
    Group(
        title="Schedules", families=(HANDLED, LATE_MOST, LATE_SUM, LATE_COUNT, OVERDUE), read=read_schedules
    )
)
