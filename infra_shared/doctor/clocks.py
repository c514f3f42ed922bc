"""Whether this machine's clock agrees with the database's, on which all machines agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra_shared import clock
from infra_shared.checkup import Check, bad, good, odd, register
from infra_shared.database import database_now
from infra_shared.doctor import database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from infra_shared.checkup import Finding

ADVICE = "Have both machines keep the right time (timedatectl set-ntp true)."
_NOTICED_SECONDS = 2.0
_WRONG_SECONDS = 30.0
"""Half a minute is what a one-time code lives; webhook signatures stand five."""


def look() -> Iterator[Finding]:
    """Compare with the middle of the time that asking took."""
    before = clock.utc_now()
    there = database_now()
    yield compared(there - (before + (clock.utc_now() - before) / 2), "the database's")


def compared(ahead: timedelta, whose: str) -> Finding:
    """What a difference of clocks means; `ahead` is how far the other one is in front of ours."""
    seconds = abs(ahead.total_seconds())
    side = "behind" if ahead.total_seconds() > 0 else "ahead of"
    words = f"This machine's clock is {seconds:.1f} s {side} {whose}."
    if seconds >= _WRONG_SECONDS:
        return bad(f"{words} One-time codes and signatures will be refused.", ADVICE)
    return odd(words, ADVICE) if seconds >= _NOTICED_SECONDS else good(words)


register(Check(name="clock", look=look, advice=ADVICE, order=40, after=(database.NAME,)))
