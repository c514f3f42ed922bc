"""How much each customer has stored: counted by day, so that no screen and no quota reads the whole history.

The days before the last three do not change but by removal, which counts down in its own transaction; the last three are
counted anew each time, for rows of an attempt may be written late.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Count, Sum
from django.db.models.functions import Coalesce

from infra_shared.ids import uuid7_floor
from runs.models import Artifact, StorageDay

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

RECOUNTED_DAYS = 3
KEPT_DAYS = 400
"""A line of a day on which nothing is left is kept so long, for charts."""
_ID_MARGIN = timedelta(days=1)


def stored_bytes() -> Coalesce:
    """The stored length of an artifact's bytes, quarantined or not; 0 where there are none."""
    return Coalesce("blob__stored_bytes", "sealed_blob__stored_bytes", 0)


def recount(*, now: datetime) -> None:
    """Count what was stored in the last days, and write what each customer has now; all days the first time."""
    today = now.astimezone(UTC).date()
    first = today - timedelta(days=RECOUNTED_DAYS - 1)
    if not StorageDay.objects.exists():
        oldest = Artifact.objects.order_by("id").values_list("created_at", flat=True).first()
        first = min(first, oldest.astimezone(UTC).date()) if oldest is not None else first
    for number in range((today - first).days + 1):
        _count_day(first + timedelta(days=number))
    _write_totals(today)


def count_down(removed: Iterable[tuple[int, date, int]]) -> None:
    """Note that files are gone, each by customer, day it was made and stored bytes; part of the caller's transaction."""
    sizes: dict[tuple[int, date], int] = defaultdict(int)
    files: Counter[tuple[int, date]] = Counter()
    for customer_id, day, size in removed:
        sizes[customer_id, day] += size
        files[customer_id, day] += 1
    if not sizes:
        return
    days = StorageDay.objects.filter(
        customer_id__in={customer_id for customer_id, _ in sizes}, day__in={day for _, day in sizes}
    )
    rows = [row for row in days.order_by("pk").select_for_update() if (row.customer_id, row.day) in sizes]
    for row in rows:
        # Never below nothing: a day that was not counted yet will be counted without them.
        row.kept_bytes = max(0, row.kept_bytes - sizes[row.customer_id, row.day])
        row.kept_files = max(0, row.kept_files - files[row.customer_id, row.day])
    StorageDay.objects.bulk_update(rows, ["kept_bytes", "kept_files"])


def count_up(added: Iterable[tuple[int, date, int]]) -> None:
    """Note files that came with a past day of their making, each by customer, day and stored bytes.

    Part of the caller's transaction. Days that are counted anew in any case may be among them.
    """
    if not StorageDay.objects.exists():
        return  # the first count of all takes every day
    sizes: dict[tuple[int, date], int] = defaultdict(int)
    files: Counter[tuple[int, date]] = Counter()
    for customer_id, day, size in added:
        sizes[customer_id, day] += size
        files[customer_id, day] += 1
    for customer_id, day in sorted(sizes):
        row, _ = StorageDay.objects.select_for_update().get_or_create(customer_id=customer_id, day=day)
        row.kept_bytes += sizes[customer_id, day]
        row.kept_files += files[customer_id, day]
        row.save(update_fields=["kept_bytes", "kept_files"])


def bytes_now() -> dict[int, int]:
    """What each customer has now, by its key in the database."""
    rows = StorageDay.objects.order_by().values_list("customer_id")
    return dict(rows.annotate(total=Sum("kept_bytes")))


@transaction.atomic
def _count_day(day: date) -> None:
    begin = datetime.combine(day, time.min, tzinfo=UTC)
    end = begin + timedelta(days=1)
    made = Artifact.objects.filter(
        created_at__gte=begin,
        created_at__lt=end,
        # There is no index on the time; the key follows it closely.
        id__gte=uuid7_floor(begin - _ID_MARGIN),
        id__lt=uuid7_floor(end + _ID_MARGIN),
    )
    sums = (
        made.order_by().values_list("run__customer_id").annotate(size=Sum(stored_bytes()), files=Count("pk"))
    )
    counted = {customer_id: (size, files) for customer_id, size, files in sums}
    StorageDay.objects.filter(day=day).exclude(customer_id__in=counted).update(kept_bytes=0, kept_files=0)
    StorageDay.objects.bulk_create(
        [
            StorageDay(customer_id=customer_id, day=day, kept_bytes=size, kept_files=files)
            for customer_id, (size, files) in sorted(counted.items())
        ],
        update_conflicts=True,
        unique_fields=["customer", "day"],
        update_fields=["kept_bytes", "kept_files"],
    )


@transaction.atomic
def _write_totals(today: date) -> None:
    totals: Mapping[int, int] = bytes_now()
    StorageDay.objects.bulk_create(
        [
            StorageDay(customer_id=customer_id, day=today, total_bytes=total)
            for customer_id, total in sorted(totals.items())
        ],
        update_conflicts=True,
        unique_fields=["customer", "day"],
        update_fields=["total_bytes"],
    )
    StorageDay.objects.filter(day__lt=today - timedelta(days=KEPT_DAYS), kept_files=0).delete()
