"""Endpoints: the events that webhooks brought, and routing them again."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from ninja import Query, Router, Status

from infra_shared.api.auth import ApiKeyAuth, ApiRequest, actor_of
from infra_shared.api.pages import Order, Page, PageQuery, page_of
from infra_shared.scopes import Scope
from intake.api.reach import event_in_reach, events_in_reach
from intake.schemas import (
    EventDetailOut,
    EventFilters,
    EventOut,
    IdempotencyKey,
    ReplayIn,
    ReplayOut,
    ReplaysIn,
    ReplaysOut,
)
from intake.services.bodies import body_of
from intake.services.replays import ReplayRequest, plan_replays, replay_event, replay_events

router = Router(tags=["Events"])
READ, WRITE = ApiKeyAuth(Scope.EVENTS_READ), ApiKeyAuth(Scope.EVENTS_WRITE)


@router.get("/events", auth=READ, response=Page[EventOut], summary="List events")
def list_events(request: ApiRequest, filters: Query[EventFilters], page: Query[PageQuery]) -> Page[EventOut]:
    """The events of the customers within reach, newest first."""
    rows = filters.as_filter().apply(events_in_reach(request).defer("body"))
    return page_of(rows, page, Order("events", newest_first=True), EventOut.of)


@router.post("/events/replay", auth=WRITE, response=ReplaysOut, summary="Replay many events")
def replay_many_events(request: ApiRequest, body: ReplaysIn) -> ReplaysOut:
    """Route again what a filter names; a dry run unless told otherwise. What is at work is left out."""
    wanted, customers = body.filter.as_filter(), request.auth.caller.customers
    plan = plan_replays(wanted=wanted, customers=customers)
    asked = ReplayRequest(actor=actor_of(request), reason=body.reason, caller=request.auth.caller)
    done = 0 if body.dry_run else replay_events(wanted=wanted, request=asked, customers=customers)
    return ReplaysOut(total=plan.total, replayed=done, sample=[EventOut.of(event) for event in plan.sample])


@router.get("/events/{event_id}", auth=READ, response=EventDetailOut, summary="Get an event")
def get_event(request: ApiRequest, event_id: UUID) -> EventDetailOut:
    """One event with its headers, its matches and their runs."""
    return EventDetailOut.of(event_in_reach(request, event_id))


@router.get("/events/{event_id}/body", auth=READ, response={200: bytes}, summary="Get an event's body")
def get_event_body(request: ApiRequest, event_id: UUID) -> HttpResponse:
    """The body, byte for byte as it was sent. Always a download, whatever the sender called it."""
    event = event_in_reach(request, event_id)
    headers = {
        "Content-Disposition": f'attachment; filename="event-{event.short_id}.bin"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return HttpResponse(body_of(event), content_type="application/octet-stream", headers=headers)


@router.post(
    "/events/{event_id}/replay",
    auth=WRITE,
    response={201: ReplayOut, 200: ReplayOut},
    summary="Replay an event",
)
def replay_one_event(
    request: ApiRequest,
    event_id: UUID,
    body: ReplayIn | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Status[ReplayOut]:
    """Route an event again, by the triggers as they are now.

    200 with the same replay for the same idempotency key, and while that replay's run has not ended.
    """
    asked = ReplayRequest(
        actor=actor_of(request),
        reason=body.reason if body else "",
        caller=request.auth.caller,
        idempotency_key=idempotency_key,
    )
    given = replay_event(event=event_in_reach(request, event_id), request=asked)
    return Status(201 if given.created else 200, ReplayOut.of(given.replay))
