"""Removing rows that are old, batch by batch, each with its lines of the deletion ledger."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Count

from infra_shared.models import Deletion
from infra_shared.retention import Removed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django.db.models import QuerySet

    from infra_shared.retention import Batch, Order

AT_ONCE = 500
"""Rows of one transaction: a writer that meets it waits some hundredths of a second, not seconds."""


def note(order: Order, removed: Iterable[Removed]) -> None:
    """Write what was removed into the ledger, part of the caller's transaction."""
    Deletion.objects.bulk_create(
        Deletion(
            at=order.now,
            what=item.what,
            rule=item.rule,
            customer=item.customer,
            rows=item.rows,
            size_bytes=item.size_bytes,
            actor=order.actor,
        )
        for item in removed
        if item.rows
    )


def remove_old_rows(
    order: Order, rows: QuerySet[Any], *, what: str, rule: str, customer_field: str = "", most: int = AT_ONCE
) -> Iterator[Batch]:
    """Remove these rows with what belongs to them; `customer_field` leads to the key of the customer they belong to.

    Rows that another process holds are left for the next time, so that nobody waits for anybody.
    """
    if order.dry_run:
        yield _counted(rows, what, rule, customer_field)
        return
    while True:
        with transaction.atomic():
            batch = list(rows.order_by("pk").select_for_update(of=("self",), skip_locked=True)[:most])
            removed = _lines(batch, what, rule, customer_field)
            rows.model._default_manager.filter(pk__in=[row.pk for row in batch]).delete()  # noqa: SLF001 - Django documents it
            note(order, removed)
        yield removed
        if len(batch) < most:
            return


def _counted(rows: QuerySet[Any], what: str, rule: str, customer_field: str) -> Batch:
    if not customer_field:
        return [Removed(what=what, rule=rule, rows=rows.count())]
    counts = rows.order_by().values_list(customer_field).annotate(count=Count("pk"))
    return [Removed(what=what, rule=rule, customer=key or "", rows=count) for key, count in counts]


def _lines(batch: Iterable[Any], what: str, rule: str, customer_field: str) -> Batch:
    counts = Counter(_customer(row, customer_field) for row in batch)
    return [Removed(what=what, rule=rule, customer=key, rows=count) for key, count in sorted(counts.items())]


def _customer(row: Any, path: str) -> str:
    for name in path.split("__") if path else ():
        row = getattr(row, name, None)
    return row if isinstance(row, str) else ""
