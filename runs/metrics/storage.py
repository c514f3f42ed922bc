"""How near customers are to what they may store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra_shared.figures import Family, Group, register
from runs.models import StorageQuota
from runs.services.storage_use import bytes_now

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from infra_shared.figures import Figure

KEPT = Family(
    name="automation_storage_kept_bytes",
    words="Stored bytes of the files of all runs, each file counted, as its customer's quota does; by the last count.",
)
FULLEST = Family(
    name="automation_storage_fullest_quota_ratio",
    words="What the customer that is nearest to its quota has used of it; 1 is full, 0 when nobody has a quota.",
)


def read_storage(_now: datetime) -> Iterator[Figure]:
    """The counted days of all customers, and the quotas, of which there is at most one for each."""
    used = bytes_now()
    quotas = StorageQuota.objects.order_by().values_list("customer_id", "most_bytes")
    yield KEPT.of(sum(used.values()))
    yield FULLEST.of(max((used.get(customer, 0) / most for customer, most in quotas), default=0))


register(Group(title="Storage of customers", families=(KEPT, FULLEST), read=read_storage))
