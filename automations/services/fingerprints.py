"""How targets look, learned from runs that succeeded and given to the next ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction

from automations.models import Automation, TargetFingerprint
from infra_shared.database import database_now
from webgraph.fingerprint import merged

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

MOST_OF_ONE_AUTOMATION = 500
"""Targets made from params are new in each run: those not seen for longest are forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What one target looked like in a run that succeeded; `picture` is the artifact that shows it, where one does."""

    key: str
    sight: Mapping[str, Any]
    picture: UUID | None


def known_fingerprints(*, automation_id: int) -> dict[str, Any]:
    """What the targets of an automation looked like in its successes, by `webgraph.fingerprint.key_of`."""
    return dict(TargetFingerprint.objects.filter(automation_id=automation_id).values_list("key", "sight"))


@transaction.atomic
def learn(*, automation_id: int, run_id: UUID, sightings: Sequence[Sighting]) -> None:
    """Merge what a successful run saw into what is known, and keep that bounded."""
    if not sightings:
        return
    _locked(automation_id)
    known = {
        row.key: row for row in TargetFingerprint.objects.filter(key__in={item.key for item in sightings})
    }
    now = database_now()
    for item in sightings:
        row = known.setdefault(item.key, TargetFingerprint(automation_id=automation_id, key=item.key))
        row.sight = merged(row.sight or None, item.sight)
        row.picture, row.last_run, row.learned_at = item.picture, run_id, now
    _write(list(known.values()))
    kept = TargetFingerprint.objects.filter(automation_id=automation_id).order_by("-learned_at", "-id")
    over = kept.values_list("pk", flat=True)[MOST_OF_ONE_AUTOMATION:]
    TargetFingerprint.objects.filter(pk__in=list(over)).delete()


@transaction.atomic
def replace_fingerprint(*, automation_id: int, run_id: UUID, sighting: Sighting) -> None:
    """Forget what a target looked like before: from now on it looks like this."""
    row = TargetFingerprint(
        automation_id=automation_id,
        key=sighting.key,
        sight=merged(None, sighting.sight),
        picture=sighting.picture,
        last_run=run_id,
        learned_at=database_now(),
    )
    _write([row])


def _locked(automation_id: int) -> None:
    """Two runs that end together learn one after the other."""
    Automation.objects.select_for_update().filter(pk=automation_id).values_list("pk", flat=True).first()


def _write(rows: list[TargetFingerprint]) -> None:
    TargetFingerprint.objects.bulk_create(
        [_copy(row) for row in rows],
        update_conflicts=True,
        unique_fields=["key"],
        update_fields=["sight", "picture", "last_run", "learned_at"],
    )


def _copy(row: TargetFingerprint) -> TargetFingerprint:
    """The row without its primary key, which an insert that becomes an update must not carry."""
    row.pk = None
    return row
