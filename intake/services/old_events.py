"""Events, dead letters and notes that are kept no longer."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, Sum

from infra_shared.ids import uuid7_floor
from infra_shared.retention import Removed
from infra_shared.services.removal import AT_ONCE, note, remove_old_rows
from intake.models import DeadLetter, Event, Replay, Trigger
from intake.services.ledger import count_removed
from intake.states import EventState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from django.db.models import QuerySet

    from infra_shared.retention import Batch, Order

WHAT = "event"
RULE = "event, by age"
KEYS_KEPT = timedelta(days=7)
"""Callers may repeat a request for a replay so long and get the same one."""
LETTERS_KEPT = timedelta(days=90)
_ID_MARGIN = timedelta(minutes=1)


def sweep_events(order: Order) -> Iterator[Batch]:
    """Remove events that are routed, failed or ignored and old, with their matches and replays; their counts stay."""
    rows = old_events(now=order.now)
    if order.dry_run:
        sums = (
            rows.order_by().values_list("customer__key").annotate(count=Count("pk"), size=Sum("size_bytes"))
        )
        yield [
            Removed(what=WHAT, rule=RULE, customer=key, rows=count, size_bytes=size)
            for key, count, size in sums
        ]
        return
    while True:
        with transaction.atomic():
            held = rows.select_for_update(of=("self",), skip_locked=True).select_related("source", "customer")
            batch = list(
                held.only("state", "stored_at", "size_bytes", "source__slug", "customer__key")[:AT_ONCE]
            )
            count_removed(
                [(event.stored_at.astimezone(UTC).date(), event.source, event.state) for event in batch]
            )
            Event.objects.filter(pk__in=[event.pk for event in batch]).delete()
            lines = _lines(batch)
            note(order, lines)
        yield lines
        if not batch:
            return


def old_events(*, now: datetime) -> QuerySet[Event]:
    """Final events older than EVENT_DAYS, the oldest first.

    One whose match a trigger may still need, to see that the same params came before, stays as long as the trigger looks back.
    """
    before = now - settings.EVENT_KEPT
    asked = Replay.objects.filter(event=OuterRef("pk"), created_at__gte=now - KEYS_KEPT)
    rows = Event.objects.filter(stored_at__lt=before, id__lt=uuid7_floor(before + _ID_MARGIN))
    rows = rows.exclude(state=EventState.PENDING).exclude(Exists(asked))
    for trigger in Trigger.objects.present().filter(dedupe_seconds__gt=settings.EVENT_KEPT.total_seconds()):
        since = now - timedelta(seconds=trigger.dedupe_seconds)
        rows = rows.exclude(Q(matches__trigger=trigger) & Q(matches__decided_at__gte=since))
    return rows.order_by("id")


def sweep_dead_letters(order: Order) -> Iterator[Batch]:
    """Remove dead letters that were delivered after all, long ago; an open one waits for somebody."""
    rows = DeadLetter.objects.filter(delivered_at__lt=order.now - LETTERS_KEPT)
    yield from remove_old_rows(order, rows, what="dead letter", rule="delivered, by age")


def _lines(batch: list[Event]) -> Batch:
    sizes: dict[str, int] = defaultdict(int)
    counts: Counter[str] = Counter()
    for event in batch:
        sizes[event.customer.key] += event.size_bytes
        counts[event.customer.key] += 1
    return [
        Removed(what=WHAT, rule=RULE, customer=key, rows=counts[key], size_bytes=sizes[key])
        for key in sorted(counts)
    ]
