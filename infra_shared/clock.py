"""The machine's clock and the one place that waits.

Code that decides something takes `now` as an argument; the edges ask here. Code that waits takes `sleep` as an
argument, with this one as its default, so that its tests do not wait. What several machines must agree on (leases,
due times) comes from the database's clock instead: `infra_shared.database.database_now`.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime


def utc_now() -> datetime:
    """The wall clock as an aware UTC datetime."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds on a clock that is never set back; only differences mean something."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    """Wait; zero or less returns at once."""
    if seconds > 0:
        time.sleep(seconds)
