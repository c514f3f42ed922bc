"""Bringing back what the store has lost, for the rows of the database that is there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from infra_shared.backups.errors import BackupError
from infra_shared.backups.stored_bytes import copy_blob
from infra_shared.blobs.django_store import artifact_store
from infra_shared.blobs.protocol import BlobError
from infra_shared.services import audit
from infra_shared.services.blobs import remember_blobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from infra_shared.backups.place import BackupPlace
    from infra_shared.blobs.protocol import BlobInfo

    Tell = Callable[[str, int], None]


@dataclass(slots=True)
class Refilled:
    """How many files were brought back, how many were there, and the digests that no back-up has."""

    copied: int = 0
    there: int = 0
    missing: list[str] = field(default_factory=list)


def bring_bytes(
    *, blobs: Iterable[BlobInfo], place: BackupPlace, tell: Tell
) -> tuple[Refilled, list[BlobInfo]]:
    """Copy what the store lacks of these blobs; also returns those the store keeps in another encoding than was asked for.

    BackupError when the store does not take them, or a back-up has them damaged; it may be begun again.
    """
    store, done, otherwise = artifact_store(), Refilled(), []
    for number, blob in enumerate(blobs, 1):
        held = place.held(blob.digest, blob.size_bytes)
        try:
            if store.exists(blob):
                done.there += 1
            elif held is None:
                done.missing.append(blob.digest)
            else:
                kept = copy_blob(held, source=place.blobs, target=store)
                done.copied += 1
                if kept.encoding != blob.encoding:
                    otherwise.append(kept)
        except BlobError as error:
            raise BackupError(f"Bringing files back broke off; it can be begun again: {error}") from error
        tell("blobs", number)
    return done, otherwise


def refill_store(*, place: BackupPlace, blobs: Iterable[BlobInfo], actor: str, tell: Tell) -> Refilled:
    """Bring back, from whichever back-ups of the place have them, the files of these rows that the store has lost."""
    with place.reading():
        place.folder(None)  # a folder that holds no back-up is a mistake, not an empty one
        done, otherwise = bring_bytes(blobs=blobs, place=place, tell=tell)
    remember_blobs(otherwise)
    audit.record(
        actor=actor,
        action="backup.refill",
        object_kind="backup",
        object_id=place.root.name,
        details={"copied": done.copied, "missing": len(done.missing)},
    )
    return done
