"""What customers have stored, day by day, and what they will have in a month."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from infra_shared.clock import utc_now
from infra_shared.models import ALL
from runs.models import StorageDay
from runs.services.quotas import read_quotas
from runs.storage_forecast import AHEAD_DAYS, LOOKED_BACK_DAYS, Forecast, forecast

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from automations.models import Customer


@dataclass(frozen=True, slots=True)
class Outlook:
    """One customer: the totals of the last days in order of time, where that leads, and the quota; None for none."""

    customer: Customer
    totals: Sequence[tuple[date, int]]
    forecast: Forecast
    most_bytes: int | None

    @property
    def in_a_month(self) -> int | None:
        """The bytes in 30 days; None while there are too few days to say."""
        return self.forecast.after(AHEAD_DAYS)

    @property
    def days_left(self) -> int | None:
        """In how many days the quota is used up; None without one, or when that is not in sight within a month."""
        days = self.forecast.days_until(self.most_bytes) if self.most_bytes else None
        return days if days is not None and days <= AHEAD_DAYS else None

    @property
    def share(self) -> float:
        """How much of the quota is used; 0 without one."""
        return self.forecast.now_bytes / self.most_bytes if self.most_bytes else 0.0


def read_outlooks(*, customers: Iterable[str] = (ALL,)) -> list[Outlook]:
    """The outlook of each customer with something stored, the fullest first, in two queries.

    Counted by the chore that removes what is old; today's total is at most some minutes old.
    """
    since = utc_now().astimezone(UTC).date() - timedelta(days=LOOKED_BACK_DAYS)
    rows = StorageDay.objects.for_customers(customers).filter(day__gt=since, total_bytes__isnull=False)
    totals: dict[int, list[tuple[date, int]]] = defaultdict(list)
    known: dict[int, Customer] = {}
    for row in rows.select_related("customer").order_by("day"):
        known[row.customer_id] = row.customer
        totals[row.customer_id].append((row.day, row.total_bytes or 0))
    quotas = read_quotas() if known else None
    found = [
        Outlook(known[pk], days, _forecast(days), quotas.of(pk) if quotas else None)
        for pk, days in totals.items()
    ]
    return sorted(found, key=lambda item: (-item.share, -item.forecast.now_bytes, item.customer.key))


def _forecast(totals: Sequence[tuple[date, int]]) -> Forecast:
    return forecast([(day.toordinal(), size) for day, size in totals])


def whole(outlooks: Sequence[Outlook]) -> Mapping[date, int]:
    """The totals of all of them together, by day; a day on which one was not counted has what it had before."""
    days = sorted({day for item in outlooks for day, _ in item.totals})
    sums = dict.fromkeys(days, 0)
    for item in outlooks:
        counted, latest = dict(item.totals), 0
        for day in days:
            latest = counted.get(day, latest)
            sums[day] += latest
    return sums
