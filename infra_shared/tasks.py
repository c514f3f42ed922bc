"""What django-q2 calls on behalf of this app; each function calls one service and returns what it did."""

from __future__ import annotations

from dataclasses import asdict

from infra_shared.services import outbox, rate_limits


def send_outbox() -> dict[str, int]:
    """Send the mails that are due; returns the counts of one round."""
    return asdict(outbox.send_due())


def purge_rate_windows() -> int:
    """Delete counters of windows long over; returns how many."""
    return rate_limits.purge_windows()
