"""Routing: each pending event is held against the triggers of its source, and what matches starts runs.

A step of its own, which may be repeated and may die anywhere: a match is opened once for an event, a trigger and a replay,
and the run it starts is written in the transaction that decides the match.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog
from django.db import transaction

from automations.errors import AutomationsError, ParamsInvalidError
from infra_shared import clock
from infra_shared.blobs.protocol import BlobNotFoundError, BlobStorageError
from infra_shared.database import database_now, is_lock_or_connection_error
from infra_shared.log_context import bound
from intake import lifecycle
from intake.matching.rules import NO_MEETING, Arrival, Meeting, digest_of, meet
from intake.models import Event, Match, Trigger
from intake.services.bodies import body_of
from intake.services.tickets import send_for_routing
from intake.states import EventState, MatchState, state_after
from runs.errors import InvalidRequestError, RunsError
from runs.services.requests import Origin, RunRequest, request_run
from runs.states import Cause

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from uuid import UUID

    from runs.models import Run

PIECE_SECONDS = 15.0
"""How long one task routes: chores end within half a minute, with room for a slow last event."""
MAX_TRIES = 10
ACTOR = "system"
_AT_ONCE = 50
_DISABLED = "The source was disabled."
_NO_TRIGGER = "No trigger matched."
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Decision:
    """What becomes of a match."""

    state: MatchState
    reason: str = ""
    run: Run | None = None
    digest: str = ""


def route_pending(*, seconds: float = PIECE_SECONDS, monotonic: Callable[[], float] = clock.monotonic) -> int:
    """Route pending events, the oldest first, for a bounded time; returns how many.

    What is left gets a ticket. Any number of processes may do so at once.
    """
    until = monotonic() + seconds
    routed = 0
    while waiting := list(Event.objects.to_route(database_now()).values_list("pk", flat=True)[:_AT_ONCE]):
        for event_id in waiting:
            routed += route_event(event_id)
            if monotonic() >= until:
                send_for_routing()
                return routed
    return routed


def sweep() -> bool:
    """Make a ticket where events are pending that nobody is at: a crash left them, or a ticket vanished."""
    left = Event.objects.to_route(database_now()).exists()
    if left:
        send_for_routing()
    return left


def route_event(event_id: UUID) -> bool:
    """Route one event; False when it was routed already, or another process is at it."""
    with bound(event_id=str(event_id)):
        return _route(event_id)


def _route(event_id: UUID) -> bool:
    event = lifecycle.take_event(event_id, now=database_now())
    if event is None:
        return False
    if event.route_tries > MAX_TRIES:
        reason = (
            f"Routing it ended {MAX_TRIES} times without a result: the process died, or the log says why."
        )
        lifecycle.finish_event(event, EventState.FAILED, reason=reason, now=database_now())
        return True
    try:
        matches = [_decided(event, trigger, meeting) for trigger, meeting in _meetings(event)]
    except BlobNotFoundError as error:
        lifecycle.finish_event(event, EventState.FAILED, reason=str(error), now=database_now())
        return True
    except BlobStorageError as error:
        # The store of large bodies is away: the sweeper comes again when the claim is over, for as long as it takes.
        lifecycle.put_off_event(event)
        _log.warning("routing_put_off", error=str(error))
        return True
    _finish(event, matches)
    return True


def _meetings(event: Event) -> list[tuple[Trigger, Meeting]]:
    """The triggers that match, with what they say: also those that were opened before the process died."""
    opened = {match.trigger_id for match in event.matches.filter(replay=event.replay)}
    if not event.source.is_enabled and event.replay == 0 and not opened:
        return []
    triggers = _triggers_for(event, opened)
    if not triggers:
        return []
    arrival = Arrival(type=event.type, body=body_of(event), content_type=event.content_type)
    meetings = [(trigger, meet(trigger, arrival)) for trigger in triggers]
    return [
        (trigger, meeting)
        for trigger, meeting in meetings
        if meeting is not NO_MEETING or trigger.pk in opened
    ]


def _triggers_for(event: Event, opened: set[int]) -> Sequence[Trigger]:
    rows = Trigger.objects.select_related("automation", "pinned_version__automation", "source__customer")
    active = rows.active().filter(source=event.source)
    return sorted({*active, *rows.filter(pk__in=opened)}, key=lambda trigger: trigger.pk)


def _decided(event: Event, trigger: Trigger, meeting: Meeting) -> MatchState:
    """The final state of a match, decided now or before."""
    match = lifecycle.open_match(event=event, trigger=trigger)
    with transaction.atomic():
        locked = Match.objects.select_for_update(of=("self",)).get(pk=match.pk)
        if locked.state != MatchState.PENDING:
            return MatchState(locked.state)
        # One event of a trigger at a time: two with the same params must not both find no earlier run.
        Trigger.objects.select_for_update(of=("self",)).get(pk=trigger.pk)
        now = database_now()
        decision = _decide(event, trigger, meeting, now)
        lifecycle.decide_match(
            locked,
            decision.state,
            reason=decision.reason,
            run=decision.run,
            params_digest=decision.digest,
            now=now,
        )
    return decision.state


def _decide(event: Event, trigger: Trigger, meeting: Meeting, now: datetime) -> _Decision:
    if not meeting.matched:
        return _Decision(MatchState.ERROR, "The trigger was changed while the event was routed.")
    if meeting.params is None:
        return _Decision(MatchState.ERROR, meeting.problem)
    digest = digest_of(meeting.params)
    earlier = _earlier_run(event, trigger, digest, now)
    if earlier is not None:
        reason = "The same params had started a run within the trigger's window."
        return _Decision(MatchState.DEDUPLICATED, reason, earlier, digest)
    return _started(event, trigger, meeting.params, digest)


def _started(event: Event, trigger: Trigger, params: dict[str, Any], digest: str) -> _Decision:
    try:
        with transaction.atomic():
            run = _start(event, trigger, params)
    except (ParamsInvalidError, InvalidRequestError) as error:
        return _Decision(MatchState.BAD_PARAMS, str(error))
    except (RunsError, AutomationsError) as error:
        return _Decision(MatchState.ERROR, str(error))
    except Exception as error:
        # A validator of the automation's own may raise anything; the database's own troubles are not the match's.
        if is_lock_or_connection_error(error):
            raise
        _log.exception("match_failed", trigger=trigger.pk)
        return _Decision(MatchState.ERROR, f"{type(error).__name__}: {error}")
    return _Decision(MatchState.RAN, run=run, digest=digest)


def _earlier_run(event: Event, trigger: Trigger, digest: str, now: datetime) -> Run | None:
    """The run that covers these params already. A replay is a person's wish and starts one of its own."""
    if not trigger.dedupe_seconds or event.replay:
        return None
    earlier = Match.objects.filter(
        trigger=trigger,
        params_digest=digest,
        state=MatchState.RAN,
        decided_at__gte=now - timedelta(seconds=trigger.dedupe_seconds),
        run__isnull=False,
    )
    found = earlier.select_related("run").order_by("-decided_at").first()
    return found.run if found is not None else None


def _start(event: Event, trigger: Trigger, params: dict[str, Any]) -> Run:
    request = RunRequest(
        automation=trigger.automation.key,
        version=trigger.pinned_version,
        params=params,
        customer=event.customer.key,
    )
    origin = Origin(
        cause=Cause.EVENT,
        actor=ACTOR,
        cause_ref=f"event:{event.pk}",
        idempotency_key=f"{event.pk}:{trigger.pk}:{event.replay}",
    )
    return request_run(request=request, origin=origin).run


def _finish(event: Event, matches: list[MatchState]) -> None:
    state = state_after(matches)
    reason = ""
    if state is EventState.IGNORED:
        reason = _NO_TRIGGER if event.source.is_enabled or event.replay else _DISABLED
    lifecycle.finish_event(event, state, reason=reason, now=database_now())
    _log.info("event_routed", state=state.value, matches=len(matches))
