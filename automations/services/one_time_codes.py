"""The ledger of one-time codes: each is given out once, to one run, whatever the number of machines."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from automations.models import SpentCode
from infra_shared.database import database_now
from webgraph.codes import next_code

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from infra_shared.totp import TotpSeed
    from webgraph.codes import Code, NotYet

KEPT = timedelta(hours=1)
"""Far longer than any site takes a code, or two machines' clocks differ."""


def take_code(
    *, credential: str, seed: TotpSeed, taken_by: UUID, now: datetime | None = None
) -> Code | NotYet:
    """A code nobody was given before, by the database's clock; NotYet while there is none.

    May be repeated with the same `taken_by`, when the answer of a commit was lost.
    """
    at = now or database_now()
    return next_code(
        seed, now=at, spend=lambda step: _spend(credential=credential, step=step, taken_by=taken_by, at=at)
    )


def forget_spent_codes() -> int:
    """Delete ledger rows that are too old to matter; how many."""
    deleted, _ = SpentCode.objects.filter(spent_at__lt=database_now() - KEPT).delete()
    return deleted


def _spend(*, credential: str, step: int, taken_by: UUID, at: datetime) -> bool:
    try:
        with transaction.atomic():
            SpentCode.objects.create(credential=credential, step=step, taken_by=taken_by, spent_at=at)
    except IntegrityError:
        return SpentCode.objects.filter(credential=credential, step=step, taken_by=taken_by).exists()
    return True
