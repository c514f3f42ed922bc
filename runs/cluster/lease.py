"""How often whoever holds a lease extends it."""

from __future__ import annotations

from django.conf import settings


def quarter_lease_seconds() -> float:
    """Seconds between two beats: three of them may be missed before the lease ends."""
    return float(settings.LEASE.total_seconds()) / 4
