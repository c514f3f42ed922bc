"""Rate limits that hold across web processes.

A fixed window with its counter in the database: one statement a request, exact with any number of processes, and
nothing more to operate. Django's default cache counts per process, a shared cache would be one more server, and a
token bucket needs a read and a write. The price is known: at the border of two windows up to twice the limit may pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil

from django.db import connection

from infra_shared.clock import utc_now
from infra_shared.models import RateWindow

_KEPT_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class RateDecision:
    """Whether to go on, and if not, after how many whole seconds (for Retry-After) to come back."""

    allowed: bool
    retry_after_seconds: int
    count: int


def hit(key: str, *, limit: int, per_seconds: int, now: datetime | None = None) -> RateDecision:
    """Count one use of `key` and say whether it is within `limit` uses for each window of `per_seconds`."""
    moment = now or utc_now()
    start = _window_start(moment, per_seconds)
    table = connection.ops.quote_name(RateWindow._meta.db_table)  # noqa: SLF001 - Django documents _meta
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (key, window_start, count) VALUES (%s, %s, 1) "  # noqa: S608 - the table's own name
            f"ON CONFLICT (key, window_start) DO UPDATE SET count = {table}.count + 1 RETURNING count",
            [key, connection.ops.adapt_datetimefield_value(start)],
        )
        count: int = cursor.fetchone()[0]
    return _decide(count, limit=limit, start=start, per_seconds=per_seconds, now=moment)


def peek(key: str, *, limit: int, per_seconds: int, now: datetime | None = None) -> RateDecision:
    """What a further use of `key` would meet, without counting it: for limits on failures, asked before the try."""
    moment = now or utc_now()
    start = _window_start(moment, per_seconds)
    window = RateWindow.objects.filter(key=key, window_start=start).first()
    count = window.count if window else 0
    return _decide(count + 1, limit=limit, start=start, per_seconds=per_seconds, now=moment)


def purge_windows(*, now: datetime | None = None) -> int:
    """Delete the counters of windows long over; how many went."""
    return RateWindow.objects.filter(window_start__lt=(now or utc_now()) - _KEPT_FOR).delete()[0]


def _window_start(moment: datetime, per_seconds: int) -> datetime:
    return datetime.fromtimestamp(moment.timestamp() // per_seconds * per_seconds, UTC)


def _decide(count: int, *, limit: int, start: datetime, per_seconds: int, now: datetime) -> RateDecision:
    if count <= limit:
        return RateDecision(allowed=True, retry_after_seconds=0, count=count)
    left = (start + timedelta(seconds=per_seconds) - now).total_seconds()
    return RateDecision(allowed=False, retry_after_seconds=max(1, ceil(left)), count=count)
