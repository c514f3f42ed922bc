"""The only writer of the states of events and matches. Each write is guarded by the state it leaves."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import F

from intake.models import Event, Match
from intake.states import EventState, MatchState

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID

    from intake.models import Trigger
    from runs.models import Run

KEPT_FOR = timedelta(seconds=60)
"""How long a process has an event for itself: one that died is followed by another after this."""
_REASON_LENGTH = 500
_MATCH_REASON_LENGTH = 10_000


def take_event(event_id: UUID, *, now: datetime) -> Event | None:
    """The event, for this process alone; None when it was routed or another process is at it."""
    taken = Event.objects.to_route(now).filter(pk=event_id)
    if not taken.update(route_after=now + KEPT_FOR, route_tries=F("route_tries") + 1):
        return None
    return Event.objects.select_related("source", "customer", "blob").get(pk=event_id)


def put_off_event(event: Event) -> None:
    """Leave an event to whoever comes after the claim, as if it had not been tried: nothing was wrong with it."""
    Event.objects.filter(pk=event.pk, route_tries__gt=0).update(route_tries=F("route_tries") - 1)


def finish_event(event: Event, state: EventState, *, reason: str = "", now: datetime) -> bool:
    """Give a pending event its final state; False when it has one, or was replayed meanwhile."""
    rows = Event.objects.filter(pk=event.pk, state=EventState.PENDING, replay=event.replay)
    written = rows.update(state=state, state_reason=reason[:_REASON_LENGTH], routed_at=now, route_after=None)
    return bool(written)


def open_match(*, event: Event, trigger: Trigger) -> Match:
    """The match of an event and a trigger in the event's present replay; the same one each time."""
    return Match.objects.get_or_create(event=event, trigger=trigger, replay=event.replay)[0]


def decide_match(
    match: Match,
    state: MatchState,
    *,
    now: datetime,
    reason: str = "",
    run: Run | None = None,
    params_digest: str = "",
) -> bool:
    """Give a pending match its final state; False when it has one."""
    rows = Match.objects.filter(pk=match.pk, state=MatchState.PENDING)
    written = rows.update(
        state=state,
        reason=reason[:_MATCH_REASON_LENGTH],
        run=run,
        params_digest=params_digest,
        decided_at=now,
    )
    return bool(written)


def reopen_events(ids: Iterable[UUID]) -> int:
    """Make final events pending again, each for its next replay; the caller holds their rows. Returns how many."""
    rows = Event.objects.filter(pk__in=list(ids)).exclude(state=EventState.PENDING)
    return rows.update(
        state=EventState.PENDING,
        state_reason="",
        routed_at=None,
        route_after=None,
        route_tries=0,
        replay=F("replay") + 1,
    )
