"""Spreading schedules that name the same minute over a window, each by an offset of its own."""

from __future__ import annotations

import hashlib
from datetime import timedelta

LONGEST_SPREAD_SECONDS = 86_400


def offset(key: str, window_seconds: int) -> timedelta:
    """How much later than planned the schedule `key` fires: whole seconds, below the window, always the same.

    A hash and not a random number: every dispatcher comes to the same offset, and a restart changes nothing.
    """
    if window_seconds <= 0:
        return timedelta(0)
    digest = hashlib.sha256(f"spread:{key}".encode()).digest()
    return timedelta(seconds=int.from_bytes(digest[:8]) % window_seconds)
