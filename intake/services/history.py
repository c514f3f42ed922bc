"""Past events with what became of them, written in bulk: for the demo.

Beside `intake.lifecycle` the one place that writes states of events and matches, because it writes what was decided long
ago. Each run is written with its event as its cause, by the service that writes past runs.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from infra_shared.ids import uuid7, uuid7_at
from intake.matching.rules import digest_of
from intake.models import Event, IntakeLedger, KeyKind, Match
from intake.services.insertion import add_to_ledger
from intake.states import EventState, MatchState
from runs.models import Run
from runs.services.history import insert_history
from runs.states import Cause

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from intake.models import Source, Trigger
    from runs.services.past_runs import PastRun

_ROUTING = timedelta(milliseconds=180)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastEvent:
    """A delivery that was routed long ago: with `run`, its trigger started that; with `problem`, it could not.

    `waited` is how long the queue held it, `repeats` how often the same came again.
    """

    source: Source
    type: str
    body: bytes
    delivery_id: str
    received_at: datetime
    waited: timedelta
    headers: Sequence[tuple[str, str]] = ()
    edge_attempts: int = 1
    repeats: int = 0
    trigger: Trigger | None = None
    run: PastRun | None = None
    problem: str = ""

    @property
    def stored_at(self) -> datetime:
        """When it was stored."""
        return self.received_at + self.waited

    @property
    def routed_at(self) -> datetime:
        """When its state became final."""
        return self.stored_at + _ROUTING

    @property
    def state(self) -> EventState:
        """What it came to."""
        if self.run is not None:
            return EventState.ROUTED
        return EventState.FAILED if self.problem else EventState.IGNORED


@transaction.atomic
def insert_past_events(past: Sequence[PastEvent]) -> int:
    """Write past events with their matches, runs and lines in the ledger; returns how many."""
    events = Event.objects.bulk_create([_event(item) for item in past])
    pairs = list(zip(events, past, strict=True))
    insert_history(_caused(event, item) for event, item in pairs if item.run is not None)
    refs = [_ref(event) for event in events]
    runs = {run.cause_ref: run for run in Run.objects.filter(cause=Cause.EVENT, cause_ref__in=refs)}
    Match.objects.bulk_create(
        [_match(event, item, runs.get(_ref(event))) for event, item in pairs if item.trigger is not None]
    )
    add_to_ledger(_lines(past))
    return len(events)


def _ref(event: Event) -> str:
    return f"event:{event.pk}"


def _caused(event: Event, item: PastEvent) -> PastRun:
    assert item.run is not None  # asked by the caller
    return replace(
        item.run,
        created_at=item.routed_at,
        cause=Cause.EVENT,
        cause_ref=_ref(event),
        requested_by="system",
        customer=item.source.customer,
    )


def _event(item: PastEvent) -> Event:
    return Event(
        id=uuid7_at(item.stored_at),
        source=item.source,
        customer=item.source.customer,
        message_id=uuid7(),
        key=f"delivery:{item.delivery_id}",
        key_kind=KeyKind.DELIVERY,
        type=item.type,
        scheme=item.source.scheme,
        content_type="application/json",
        headers=[list(pair) for pair in item.headers],
        body=item.body,
        size_bytes=len(item.body),
        sha256=hashlib.sha256(item.body).hexdigest(),
        edge_attempts=item.edge_attempts,
        duplicates=item.repeats,
        last_duplicate_at=item.routed_at if item.repeats else None,
        received_at=item.received_at,
        stored_at=item.stored_at,
        state=item.state,
        state_reason="No trigger matched." if item.state is EventState.IGNORED else "",
        routed_at=item.routed_at,
        route_tries=1,
    )


def _match(event: Event, item: PastEvent, run: Run | None) -> Match:
    assert item.trigger is not None  # asked by the caller
    return Match(
        id=uuid7_at(item.routed_at),
        event=event,
        trigger=item.trigger,
        state=MatchState.RAN if run is not None else MatchState.BAD_PARAMS,
        reason=item.problem,
        run=run,
        params_digest=digest_of(run.params) if run is not None else "",
        created_at=item.routed_at,
        decided_at=item.routed_at,
    )


def _lines(past: Sequence[PastEvent]) -> list[IntakeLedger]:
    """What the ledger says of them: each stored once, and its repeats on the day of the first."""
    counted: Counter[tuple[date, str, str]] = Counter()
    sources = {item.source.slug: item.source for item in past}
    for item in past:
        counted[item.stored_at.date(), item.source.slug, "stored"] += 1
        counted[item.stored_at.date(), item.source.slug, "duplicate"] += item.repeats
    days = sorted({(day, slug) for day, slug, _ in counted})
    return [
        IntakeLedger(
            day=day,
            slug=slug,
            source=sources[slug],
            stored=counted[day, slug, "stored"],
            duplicate=counted[day, slug, "duplicate"],
            received=counted[day, slug, "stored"] + counted[day, slug, "duplicate"],
        )
        for day, slug in days
    ]
