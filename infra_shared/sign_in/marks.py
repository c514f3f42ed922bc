"""What a signed-in session remembers about how it came to be."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from django.contrib.sessions.backends.base import SessionBase

SIGNED_IN_AT = "signed_in_at"
SEEN_AT = "seen_at"
FACTOR = "second_factor"
"""The primary key of the factor the session was opened with, or that was set up in it."""
_SEEN_STEP = timedelta(minutes=1).total_seconds()


def begin(session: SessionBase, *, now: float | None = None) -> None:
    """Note that somebody signed in just now."""
    session[SIGNED_IN_AT] = session[SEEN_AT] = now or time.time()


def is_over(session: SessionBase, *, now: float | None = None) -> bool:
    """Whether the session is too old, nobody used it for too long, or it does not say."""
    moment = now or time.time()
    age, idle = moment - session.get(SIGNED_IN_AT, 0), moment - session.get(SEEN_AT, 0)
    return bool(age > settings.SESSION_MAX.total_seconds() or idle > settings.SESSION_IDLE.total_seconds())


def note_use(session: SessionBase, *, now: float | None = None) -> None:
    """Note that a person used the session; at most one write a minute."""
    moment = now or time.time()
    if moment - session.get(SEEN_AT, 0) > _SEEN_STEP:
        session[SEEN_AT] = moment


def is_recent(session: SessionBase, *, seconds: float) -> bool:
    """Whether somebody signed in within the last `seconds`."""
    return bool(time.time() - session.get(SIGNED_IN_AT, 0) <= seconds)
