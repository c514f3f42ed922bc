"""Filters of the inbox that are no column of their own, and the list's address as conditions that can be kept."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.admin import SimpleListFilter
from django.utils import timezone

from automations.models import Customer
from infra_shared.reach import customers_of
from intake.models import Source
from intake.services.event_filter import EventFilter
from runs.admin.run_filters import MomentFilter, bounds_of

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from django.contrib.admin import ModelAdmin
    from django.db.models import QuerySet
    from django.http import HttpRequest, QueryDict

    from intake.models import EventQuerySet

LATE_AFTER = timedelta(minutes=5)
"""Routing takes a moment; what still waits after this shows that no chores worker does it."""
LATE_QUERY = "waiting=long"
_OF_THE_LIST = frozenset({"p", "o", "e", "_changelist_filters"})
"""What the list's address says about itself, not about events."""
_KNOWN = frozenset(
    {"state__exact", "state__in", "source__id__exact", "customer__id__exact", "type__exact", "when", "q"}
)


class UnfitFilterError(ValueError):
    """The list is narrowed by something that a replay of many cannot keep."""


class SourceFilter(SimpleListFilter):
    """One source, of those within the operator's reach; deleted ones too, whose events stay."""

    title = "source"
    parameter_name = "source__id__exact"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        """The sources, by their names in the address."""
        rows = Source.objects.for_customers(customers_of(request.user)).order_by("slug")
        return [(str(pk), slug) for pk, slug in rows.values_list("pk", "slug")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """What belongs to the chosen one; nothing for what is no source."""
        chosen = self.value()
        if not chosen:
            return queryset
        return queryset.filter(source=chosen) if chosen.isdigit() else queryset.none()


class StoredFilter(MomentFilter):
    """When the event was stored: of late, or between two moments `begin..end`."""

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """The events stored in that time."""
        bounds = bounds_of(self.value() or "")
        rows: EventQuerySet = queryset
        return rows.stored_between(*bounds) if bounds else rows


class WaitingFilter(SimpleListFilter):
    """Events that should have been routed by now."""

    title = "waiting"
    parameter_name = "waiting"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        """The one choice."""
        return [("long", "For more than five minutes")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Those that wait too long."""
        rows: EventQuerySet = queryset
        return rows.late(timezone.now() - LATE_AFTER) if self.value() == "long" else rows


def filter_of(query: QueryDict, *, before: datetime, customers: Collection[str]) -> EventFilter:
    """What the inbox shows under this address, of what was stored before a moment; UnfitFilterError names the rest.

    `customers` are those within reach: of any other one not even the key is told, nor that of its source.
    """
    unfit = sorted(set(query) - _KNOWN - _OF_THE_LIST)
    if unfit:
        raise UnfitFilterError(
            f"A replay of many cannot be narrowed by {', '.join(unfit)}. Choose other filters."
        )
    if not any(query.get(name) for name in _KNOWN):
        raise UnfitFilterError("Narrow the inbox first: a replay of every event is hardly meant.")
    begin, end = bounds_of(query.get("when", "")) or (None, None)
    states = [
        word for name in ("state__exact", "state__in") for word in query.get(name, "").split(",") if word
    ]
    return EventFilter(
        source=_name_of(Source.objects.for_customers(customers), "slug", query.get("source__id__exact", "")),
        customer=_name_of(
            Customer.objects.for_customers(customers), "key", query.get("customer__id__exact", "")
        ),
        type=query.get("type__exact", ""),
        states=tuple(sorted(states)),
        search=query.get("q", "").strip(),
        stored_after=begin,
        stored_before=min(end, before) if end else before,
    )


def _name_of(rows: QuerySet[Source] | QuerySet[Customer], field: str, pk: str) -> str:
    """The name of a row the list is narrowed to; one that is gone means no event."""
    if not pk:
        return ""
    found = rows.filter(pk=pk).values_list(field, flat=True).first() if pk.isdigit() else None
    return str(found or "?")  # no name is written so
