"""When a browser has served long enough."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from webgraph.limits import MEGABYTE


@dataclass(frozen=True, slots=True, kw_only=True)
class RecyclePolicy:
    """When a warm browser is replaced, looked at between attempts: slow leaks end here."""

    attempts: int = 100
    age: timedelta = timedelta(hours=1)
    memory_bytes: int = 1_500_000_000
    page_memory_bytes: int = 1024 * MEGABYTE
    """More than this ends a page's process at once, and what else the browser shows stays."""

    def is_due(self, *, attempts: int, age_seconds: float, memory_bytes: int) -> bool:
        """Whether a browser with these figures has served long enough."""
        return (
            attempts >= self.attempts
            or age_seconds >= self.age.total_seconds()
            or memory_bytes >= self.memory_bytes
        )
