"""Planned times, orders about many runs, figures and families of failures that are kept no longer."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from infra_shared.services.removal import remove_old_rows
from runs.models import BulkItem, BulkOrder, FailureFamily, HourFigures, Occurrence, OccurrenceState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra_shared.retention import Batch, Order

OCCURRENCES_KEPT = timedelta(days=365)
ORDERS_KEPT = timedelta(days=90)
FIGURES_KEPT = timedelta(days=750)
"""Two years and a little, so that a month can be held against the same one a year before."""
FAMILIES_KEPT = timedelta(days=365)


def sweep_occurrences(order: Order) -> Iterator[Batch]:
    """Remove planned times that have no run, or no longer; those with one go with it."""
    old = Occurrence.objects.filter(handled_at__lt=order.now - OCCURRENCES_KEPT, run__isnull=True)
    rows = old.exclude(state=OccurrenceState.WAITING)
    field = "schedule__customer__key"
    rows = rows.select_related("schedule__customer")
    yield from remove_old_rows(
        order, rows, what="occurrence", rule="without a run, by age", customer_field=field
    )


def sweep_bulk_orders(order: Order) -> Iterator[Batch]:
    """Remove orders about many runs that are long finished, their items first: there may be a million of them."""
    finished = BulkOrder.objects.filter(finished_at__lt=order.now - ORDERS_KEPT)
    items = BulkItem.objects.filter(order__in=finished)
    yield from remove_old_rows(order, items, what="bulk order item", rule="finished, by age")
    yield from remove_old_rows(order, finished, what="bulk order", rule="finished, by age")


def sweep_figures(order: Order) -> Iterator[Batch]:
    """Remove the figures of hours that no chart shows."""
    rows = HourFigures.objects.filter(hour__lt=order.now - FIGURES_KEPT)
    yield from remove_old_rows(order, rows, what="figures of an hour", rule="by age")


def sweep_families(order: Order) -> Iterator[Batch]:
    """Remove families of failures that were not seen for long."""
    rows = FailureFamily.objects.filter(last_seen_at__lt=order.now - FAMILIES_KEPT)
    rows = rows.select_related("customer")
    yield from remove_old_rows(
        order, rows, what="failure family", rule="not seen, by age", customer_field="customer__key"
    )
