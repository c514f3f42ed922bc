"""What is measured of webhooks, as the origin sees them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Count, F, Min, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce

from infra_shared.figures import Family, Group, Kind, Label, register
from intake.models import Event, IntakeLedger, Replay
from intake.services.ledger import conservation
from intake.states import EventState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from infra_shared.figures import Figure

DAYS = 7
"""As on the overview: over the whole inbox the sums would grow dearer each day, and an old fault never leave them."""
_ANSWERS = ("stored", "duplicate", "rejected")

_SOURCE = Label("source", named_by="the slug of a source of webhooks")

RECEIVED = Family(
    name="automation_intake_received_messages_total",
    words="Messages that the edge handed over. The source is empty for those that name none there is.",
    labels=(_SOURCE,),
    kind=Kind.COUNTER,
)
ANSWERED = Family(
    name="automation_intake_answered_messages_total",
    words="What they were answered: stored, duplicate or rejected. Each received message has one answer.",
    labels=(_SOURCE, Label("answer", _ANSWERS)),
    kind=Kind.COUNTER,
)
EVENTS = Family(
    name="automation_intake_week_events",
    words="Events stored in the last 7 days (UTC), by what became of them: routed, failed, ignored or pending.",
    labels=(Label("state", tuple(EventState.values)),),
)
BALANCED = Family(
    name="automation_intake_balanced",
    words=(
        "1 while the last 7 days balance: received = stored + duplicate + rejected, and stored = routed + failed + "
        "ignored + pending. 0 means that something was lost or counted twice."
    ),
)
PENDING = Family(
    name="automation_intake_pending_events",
    words="Events that are still to be routed, whenever they came.",
)
OLDEST = Family(
    name="automation_intake_oldest_pending_seconds",
    words="How long the oldest of them waits, since it came or was last asked to be replayed; 0 when none waits.",
)
DEAD_LETTERS = Family(
    name="automation_intake_dead_letters",
    words="Messages that the edge gave up, keeps, and has not delivered since.",
)


def read_intake(now: datetime) -> Iterator[Figure]:
    """The ledger, its balance, and what stands still."""
    yield from _read_answers()
    yield from _read_balance(now)
    yield from _read_pending(now)


def _read_answers() -> Iterator[Figure]:
    sums = {f"sum_{name}": Sum(name) for name in ("received", *_ANSWERS)}
    rows = IntakeLedger.objects.order_by("slug").values_list("slug").annotate(**sums)
    for source, received, *answers in rows:
        yield RECEIVED.of(received, source)
        for name, count in zip(_ANSWERS, answers, strict=True):
            yield ANSWERED.of(count, source, name)


def _read_balance(now: datetime) -> Iterator[Figure]:
    ledger = conservation(first_day=(now - timedelta(days=DAYS - 1)).date())
    for state in EventState:
        yield EVENTS.of(getattr(ledger, state.value), state.value)
    yield BALANCED.of(int(ledger.is_balanced))
    yield DEAD_LETTERS.of(ledger.dead_letters)


def _read_pending(now: datetime) -> Iterator[Figure]:
    asked = Replay.objects.filter(event=OuterRef("pk"), number=OuterRef("replay")).values("created_at")
    waiting = Event.objects.filter(state=EventState.PENDING).order_by()
    since = waiting.annotate(since=Coalesce(Subquery(asked), F("stored_at")))
    sums = since.aggregate(count=Count("pk"), oldest=Min("since"))
    yield PENDING.of(sums["count"])
    yield OLDEST.of(max((now - (sums["oldest"] or now)).total_seconds(), 0))


register(
    Group(
        title="Webhooks in",
        families=(RECEIVED, ANSWERED, EVENTS, BALANCED, PENDING, OLDEST, DEAD_LETTERS),
        read=read_intake,
    )
)
