"""What a key can reach: everything else answers as if it were not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra_shared.api.problems import NotFoundError
from intake.models import Event, EventQuerySet, Source, SourceQuerySet, Trigger, TriggerQuerySet

if TYPE_CHECKING:
    from uuid import UUID

    from infra_shared.api.auth import ApiRequest


def events_in_reach(request: ApiRequest) -> EventQuerySet:
    """The events of the customers the key reaches, with what an answer names."""
    return Event.objects.select_related("source", "customer").for_customers(request.auth.caller.customers)


def event_in_reach(request: ApiRequest, event_id: UUID) -> Event:
    """The event, or NotFoundError when there is none or it is another customer's."""
    event = events_in_reach(request).select_related("source", "customer", "blob").filter(pk=event_id).first()
    if event is None:
        raise NotFoundError(f"There is no event {event_id}.")
    return event


def sources_in_reach(request: ApiRequest) -> SourceQuerySet:
    """The sources of the customers the key reaches, without deleted ones."""
    rows = Source.objects.present().select_related("customer").prefetch_related("secrets")
    return rows.for_customers(request.auth.caller.customers)


def source_in_reach(request: ApiRequest, slug: str) -> Source:
    """The source, or NotFoundError when there is none or it is another customer's."""
    source = sources_in_reach(request).filter(slug=slug).first()
    if source is None:
        raise NotFoundError(f"There is no source {slug!r}.")
    return source


def triggers_in_reach(request: ApiRequest) -> TriggerQuerySet:
    """The triggers of the customers the key reaches, without deleted ones."""
    rows = Trigger.objects.present()
    rows = rows.select_related("source__customer", "automation__latest_version", "pinned_version__automation")
    return rows.for_customers(request.auth.caller.customers)


def trigger_in_reach(request: ApiRequest, trigger_id: int) -> Trigger:
    """The trigger, or NotFoundError when there is none or it is another customer's."""
    trigger = triggers_in_reach(request).filter(pk=trigger_id).first()
    if trigger is None:
        raise NotFoundError(f"There is no trigger {trigger_id}.")
    return trigger
