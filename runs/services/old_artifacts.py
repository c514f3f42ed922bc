"""Files that are kept no longer: found by kind, from the oldest on, and removed batch by batch."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Count, Q, Sum

from infra_shared.ids import uuid7_floor
from infra_shared.retention import Removed
from infra_shared.services.removal import AT_ONCE, note
from runs.models import Artifact, Run
from runs.retention_policy import KINDS, QUARANTINED, RUN, Outcome, Policy
from runs.services.retention_rules import read_policy
from runs.services.storage_use import count_down, stored_bytes
from runs.states import FAILED_RUNS, RunState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from django.db.models import QuerySet

    from infra_shared.retention import Batch, Order

WHAT = "artifact"
_ID_MARGIN = timedelta(minutes=1)


def ended_as(outcome: Outcome, prefix: str = "") -> Q:
    """The condition that a run ended so; `prefix` leads to the run."""

    def that(**facts: object) -> Q:
        return Q(**{f"{prefix}{name}": value for name, value in facts.items()})

    if outcome is Outcome.SUCCEEDED:
        return that(state=RunState.SUCCEEDED)
    if outcome is Outcome.CANCELLED:
        return that(state=RunState.CANCELLED)
    return that(state__in=sorted(FAILED_RUNS), resolved_at__isnull=outcome is Outcome.FAILED)


def too_old(
    now: datetime,
    days: Callable[[Outcome, int | None], int | None],
    named: Callable[[Outcome], list[int]],
    prefix: str,
) -> tuple[Q, int] | None:
    """The condition that an unpinned run ended longer ago than it is kept, and the fewest days; None: nothing ever is.

    `days` says how long by outcome and customer (None: those without a rule of their own), `named` who has one.
    """
    met, fewest = Q(), []
    for outcome in Outcome:
        own = named(outcome)
        for customer in (None, *own):
            kept = days(outcome, customer)
            if kept is None:
                continue
            fewest.append(kept)
            whose = (
                Q(**{f"{prefix}customer_id": customer})
                if customer
                else ~Q(**{f"{prefix}customer_id__in": own})
            )
            before = Q(**{f"{prefix}finished_at__lt": now - timedelta(days=kept)})
            met |= ended_as(outcome, prefix) & before & whose
    return (met & Q(**{f"{prefix}pinned_at__isnull": True}), min(fewest)) if fewest else None


def sweep_artifacts(order: Order) -> Iterator[Batch]:
    """Remove the files that rules keep no longer, kind by kind."""
    policy = read_policy()
    for kind in KINDS:
        rows = old_artifacts(policy=policy, kind=kind, now=order.now) if kind != RUN else None
        if rows is not None:
            yield from remove(order, rows, rule=f"{kind}, by age")


def old_artifacts(*, policy: Policy, kind: str, now: datetime) -> QuerySet[Artifact] | None:
    """The files of a kind that are kept no longer, the oldest first; None when the kind is kept for ever."""
    found = too_old(
        now,
        lambda outcome, customer: policy.days(kind, outcome, customer),
        lambda outcome: policy.customers(outcome, kind),
        "run__",
    )
    if found is None:
        return None
    met, fewest = found
    # A file is made before its run ends, so that its key says that it cannot be due: the index is read up to there.
    floor = uuid7_floor(now - timedelta(days=fewest) + _ID_MARGIN)
    of_kind = (
        Q(quarantined_at__isnull=False) if kind == QUARANTINED else Q(kind=kind, quarantined_at__isnull=True)
    )
    return Artifact.objects.filter(of_kind, met, id__lt=floor).order_by("id")


def remove(
    order: Order, rows: QuerySet[Artifact], *, rule: str, most_bytes: int | None = None
) -> Iterator[Batch]:
    """Remove these files in their order, and stop when `most_bytes` are gone; a dry run counts them.

    Their bytes stay in the store until the sweep of orphans finds that no other row refers to them.
    """
    if order.dry_run:
        yield _counted(rows, rule) if most_bytes is None else _counted_up_to(rows, rule, most_bytes)
        return
    left = most_bytes
    while left is None or left > 0:
        with transaction.atomic():
            found = _held(rows, left)
            lines = _lines(found, rule)
            _delete(order, found)
            note(order, lines)
        yield lines
        if left is not None:
            left -= sum(line.size_bytes for line in lines)
        if not found:
            return


def _held(rows: QuerySet[Artifact], most_bytes: int | None) -> list[Artifact]:
    """The next batch, locked; what other processes hold is theirs."""
    named = rows.select_related("run__customer", "blob", "sealed_blob").only(
        "created_at",
        "run__customer__key",
        "blob__stored_bytes",
        "sealed_blob__stored_bytes",
    )
    found, size = [], 0
    for row in named.select_for_update(of=("self",), skip_locked=True)[:AT_ONCE]:
        if most_bytes is not None and size >= most_bytes:
            break
        found.append(row)
        size += _size(row)
    return found


def _delete(order: Order, found: list[Artifact]) -> None:
    Artifact.objects.filter(pk__in=[row.pk for row in found]).delete()
    runs = {row.run_id for row in found}
    Run.objects.filter(pk__in=runs).update(evidence_removed_at=order.now)
    count_down((row.run.customer_id, row.created_at.astimezone(UTC).date(), _size(row)) for row in found)


def _size(row: Artifact) -> int:
    blob = row.blob or row.sealed_blob
    return blob.stored_bytes if blob is not None else 0


def _lines(found: Iterable[Artifact], rule: str) -> Batch:
    sizes: dict[str, int] = defaultdict(int)
    files: Counter[str] = Counter()
    for row in found:
        sizes[row.run.customer.key] += _size(row)
        files[row.run.customer.key] += 1
    return [
        Removed(what=WHAT, rule=rule, customer=key, rows=files[key], size_bytes=sizes[key])
        for key in sorted(files)
    ]


def _counted(rows: QuerySet[Artifact], rule: str) -> Batch:
    sums = (
        rows.order_by()
        .values_list("run__customer__key")
        .annotate(files=Count("pk"), size=Sum(stored_bytes()))
    )
    return [
        Removed(what=WHAT, rule=rule, customer=key, rows=files, size_bytes=size or 0)
        for key, files, size in sums
    ]


def _counted_up_to(rows: QuerySet[Artifact], rule: str, most_bytes: int) -> Batch:
    """The same for the first of them, until their bytes are enough; of one customer."""
    files, total, customer = 0, 0, ""
    sizes = rows.values_list("run__customer__key", stored_bytes())
    for customer, size in sizes.iterator():  # noqa: B007 - the last one is the customer of all
        if total >= most_bytes:
            break
        files, total = files + 1, total + size
    return [Removed(what=WHAT, rule=rule, customer=customer, rows=files, size_bytes=total)]
