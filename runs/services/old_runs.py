"""Runs that are kept no longer, removed whole: attempts, steps, moves, questions and what files they still had.

What stays: the figures charts are made of, and the commit of each run with its key, so that what happened once cannot happen
again. Kept longer than their age are runs that are pinned, that others were rerun from, and whose commit has an unknown end.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Count, Exists, OuterRef

from infra_shared.ids import uuid7_floor
from infra_shared.retention import Removed
from infra_shared.services.removal import note
from runs.models import Artifact, CommitGuard, Occurrence, Run
from runs.retention_policy import KINDS
from runs.services.old_artifacts import too_old
from runs.services.retention_rules import read_policy
from runs.services.storage_use import count_down, stored_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from django.db.models import QuerySet

    from infra_shared.retention import Batch, Order
    from runs.retention_policy import Policy

WHAT = "run"
RULE = "whole run, by age"
AT_ONCE = 50
"""Runs of one transaction: each brings some hundred rows along."""
_ID_MARGIN = timedelta(minutes=1)


def sweep_runs(order: Order) -> Iterator[Batch]:
    """Remove the runs that rules keep no longer."""
    rows = old_runs(policy=read_policy(), now=order.now)
    if rows is None:
        return
    if order.dry_run:
        counts = rows.order_by().values_list("customer__key").annotate(count=Count("pk"))
        yield [Removed(what=WHAT, rule=RULE, customer=key, rows=count) for key, count in counts]
        return
    while True:
        with transaction.atomic():
            held = rows.select_for_update(of=("self",), skip_locked=True).select_related("customer")
            batch = list(held.only("customer__key")[:AT_ONCE])
            lines = _remove(batch)
            note(order, lines)
        yield lines
        if not batch:
            return


def old_runs(*, policy: Policy, now: datetime) -> QuerySet[Run] | None:
    """The runs that are kept no longer, the oldest first; None when all are kept for ever."""
    found = too_old(now, policy.run_days, lambda outcome: policy.customers(outcome, *KINDS), "")
    if found is None:
        return None
    met, fewest = found
    floor = uuid7_floor(now - timedelta(days=fewest) + _ID_MARGIN)
    rows = Run.objects.filter(met, id__lt=floor).order_by("id")
    this = OuterRef("pk")
    return rows.exclude(
        # A lineage goes from its youngest end: nobody looks for the run something was rerun from in vain.
        Exists(Run.objects.filter(rerun_of=this))
        | Exists(Run.objects.filter(root=this))
        # Only a person can say what became of it, on the page of the run.
        | Exists(CommitGuard.objects.undecided().filter(run=this))
    )


def _remove(batch: list[Run]) -> Batch:
    ids = [run.pk for run in batch]
    files = Artifact.objects.filter(run__in=ids).annotate(size=stored_bytes())
    sizes: dict[str, int] = defaultdict(int)
    keys = {run.pk: run.customer.key for run in batch}
    gone = []
    for run_id, customer_id, made, size in files.values_list(
        "run_id", "run__customer_id", "created_at", "size"
    ):
        sizes[keys[run_id]] += size
        gone.append((customer_id, made.astimezone(UTC).date(), size))
    count_down(gone)
    guards = list(CommitGuard.objects.filter(run__in=ids).only("run_id"))
    for guard in guards:
        guard.removed_run = str(guard.run_id)
    CommitGuard.objects.bulk_update(guards, ["removed_run"])
    Occurrence.objects.filter(run__in=ids).delete()
    Run.objects.filter(pk__in=ids).delete()
    return [
        Removed(what=WHAT, rule=RULE, customer=key, rows=count, size_bytes=sizes[key])
        for key, count in sorted(Counter(keys.values()).items())
    ]
