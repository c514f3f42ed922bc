"""Quotas: who has more stored than agreed loses the oldest evidence before its time, and somebody is told.

Soft: no run is refused and no file turned away. What goes first, each time the oldest first, until the customer fits:

1. what was seen on the way of runs that succeeded;
2. the same of failures that are resolved and of runs that were cancelled;
3. the files those runs took and gave;
4. everything of open failures older than a month.

Never: pinned runs, runs that have not ended, quarantined files, what is younger than a day, and open failures within their
month. When that is not enough, the alert stays open: the quota is too small for what is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction

from automations.models import Customer
from infra_shared.database import database_now
from infra_shared.ids import uuid7_floor
from infra_shared.services import audit
from infra_shared.services.alerts import Severity, alert, close_alert
from infra_shared.sizes import in_words
from runs.errors import InvalidRequestError
from runs.models import Artifact, StorageQuota
from runs.retention_policy import EVIDENCE, FILES, Outcome
from runs.services import alerts
from runs.services.old_artifacts import ended_as, remove
from runs.services.storage_use import bytes_now, recount

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from django.db.models import QuerySet

    from infra_shared.retention import Batch, Order

RULE = "quota"
YOUNGEST = timedelta(days=1)
OPEN_FAILURES_STAY = timedelta(days=30)
NEARLY_FULL = 0.9
MOST_BYTES = 10**15
"""As much as no quota, and well within what every database counts."""


def sweep_over_quota(order: Order) -> Iterator[Batch]:
    """Count what everybody has, remove what is too much, and say who has too much or nearly so."""
    if not order.dry_run:
        recount(now=order.now)
    used, quotas = bytes_now(), read_quotas()
    for customer in Customer.objects.filter(pk__in=used).order_by("pk"):
        most = quotas.of(customer.pk)
        excess = used[customer.pk] - most if most is not None else 0
        for rows in _sacrifices(customer, order.now) if excess > 0 else ():
            for batch in remove(order, rows, rule=RULE, most_bytes=excess):
                excess -= sum(item.size_bytes for item in batch)
                yield batch
            if excess <= 0:
                break
        if not order.dry_run:
            left = used[customer.pk] if most is None or used[customer.pk] <= most else most + excess
            _tell(customer, left, most, order.now)


@dataclass(frozen=True, slots=True)
class Quotas:
    """How many bytes customers may have: `own` by their keys in the database, `for_all` for the others; None: any number."""

    own: Mapping[int, int]
    for_all: int | None

    def of(self, customer_id: int) -> int | None:
        """The quota of one customer; None for none."""
        return self.own.get(customer_id, self.for_all)


def read_quotas() -> Quotas:
    """Every quota that was set, in one query, and the one of the installation."""
    own = dict(StorageQuota.objects.order_by().values_list("customer_id", "most_bytes"))
    return Quotas(own, settings.STORAGE_QUOTA_BYTES or None)


@transaction.atomic
def set_quota(*, customer: Customer, most_bytes: int, actor: str) -> StorageQuota:
    """Say how many stored bytes a customer may have; what is too much goes with the next sweep."""
    if most_bytes < 1:
        raise InvalidRequestError("most_bytes", "At least one byte. To have none, remove the quota.")
    if most_bytes > MOST_BYTES:
        raise InvalidRequestError(
            "most_bytes", f"At most {in_words(MOST_BYTES)}. To have none, remove the quota."
        )
    facts = {"most_bytes": most_bytes, "set_by": actor, "set_at": database_now()}
    row, _ = StorageQuota.objects.update_or_create(customer=customer, defaults=facts)
    _record("quota.set", row, actor)
    return row


@transaction.atomic
def remove_quota(*, quota: StorageQuota, actor: str) -> None:
    """Let the quota of the installation count again for the customer, or none."""
    _record("quota.remove", quota, actor)
    quota.delete()


def _sacrifices(customer: Customer, now: datetime) -> Iterator[QuerySet[Artifact]]:
    """What goes, in this order."""
    rows = Artifact.objects.filter(
        run__customer=customer,
        run__pinned_at__isnull=True,
        run__finished_at__lt=now - YOUNGEST,
        quarantined_at__isnull=True,
        blob__isnull=False,
        id__lt=uuid7_floor(now - YOUNGEST),
    ).order_by("id")
    succeeded = ended_as(Outcome.SUCCEEDED, "run__")
    mended = ended_as(Outcome.RESOLVED, "run__") | ended_as(Outcome.CANCELLED, "run__")
    yield rows.filter(succeeded, kind__in=EVIDENCE)
    yield rows.filter(mended, kind__in=EVIDENCE)
    yield rows.filter(succeeded | mended, kind__in=FILES)
    yield rows.filter(ended_as(Outcome.FAILED, "run__"), run__finished_at__lt=now - OPEN_FAILURES_STAY)


def _tell(customer: Customer, used: int, most: int | None, now: datetime) -> None:
    key = f"{alerts.STORAGE}:{customer.pk}"
    if most is None or used < most * NEARLY_FULL:
        close_alert(key=key, reason="It fits its quota again.", now=now)
        return
    is_over = used > most
    alert(
        key=key,
        title=f"{customer} {'has more stored than its quota' if is_over else 'has nearly used up its quota'}",
        text=f"{in_words(used)} of {in_words(most)} are stored. "
        + (
            "What is left may not go: it is pinned, younger than a day, or of open failures."
            if is_over
            else "Beyond it the oldest evidence of runs that succeeded goes before its time."
        ),
        severity=Severity.CRITICAL if is_over else Severity.WARNING,
        link=alerts.console_link("runs/storagequota/"),
        customer=customer.key,
        # One event a day: a state that lasts is no news each time it is looked at.
        happened_at=now.replace(hour=0, minute=0, second=0, microsecond=0),
    )


def _record(action: str, quota: StorageQuota, actor: str) -> None:
    audit.record(
        actor=actor,
        action=action,
        object_kind="quota",
        object_id=quota.customer.key,
        customer=quota.customer.key,
        details={"most_bytes": quota.most_bytes},
    )
