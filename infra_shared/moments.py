"""Moments that callers and operators name: with an offset, and within what every database and clock can keep."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime

_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_LAST_KEPT = datetime(9000, 1, 1, tzinfo=UTC)


def sane(moment: datetime) -> datetime:
    """The moment itself, which must have an offset; ValueError for one before 1970 or after 2099.

    Nothing was done before, and at the ends of the calendar an offset or a margin leads out of it.
    """
    if not _FIRST <= moment < _LAST:
        raise ValueError("It must lie between 1970 and 2100.")
    return moment


def moment_of(text: str) -> datetime:
    """A moment as ISO 8601 writes it; ValueError when it is none, has no offset, or lies too far away."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no moment such as 2026-11-01T00:00Z.") from error
    if moment.tzinfo is None:
        raise ValueError("It needs an offset from UTC, such as the Z of 2026-11-01T00:00Z.")
    return sane(moment)


def _kept(moment: datetime) -> datetime:
    if not _FIRST <= moment < _LAST_KEPT:
        raise ValueError("It must lie between 1970 and 9000.")
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(sane)]
KeptMoment = Annotated[AwareDatetime, AfterValidator(_kept)]
"""One that a row held, which may have been counted on from the last that could be named."""
