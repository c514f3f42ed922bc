"""Making a back-up while everything runs.

1. The bytes of every blob there is.
2. The database, in one moment.
3. The bytes of blobs that came between the two.

So each row of the dump finds its bytes, without anybody being held up: what step 1 copied may be swept from the store
meanwhile, it is here already; and what came after step 1 was put within ORPHAN_GRACE_HOURS, when no sweeper takes it.
Database first would lose what retention removes between the two, bytes first alone what came in between. Contents that are
here already, from whichever back-up, are not copied again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connection
from django.utils import timezone

from infra_shared.backups.errors import BackupError
from infra_shared.backups.manifest import BlobFacts, Manifest, file_facts
from infra_shared.backups.place import BLOB_LIST, read_blob_list, write_manifest
from infra_shared.backups.snapshot import take_snapshot
from infra_shared.backups.stored_bytes import copy_blob
from infra_shared.blobs.django_store import artifact_store
from infra_shared.blobs.protocol import BlobError, BlobInfo, BlobNotFoundError
from infra_shared.crypto import key_fingerprints
from infra_shared.models import Blob
from infra_shared.services import audit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from infra_shared.backups.place import BackupPlace
    from infra_shared.blobs.protocol import BlobStore

    Tell = Callable[[str, int], None]

_AT_ONCE = 1000
_FAILURES_IN_A_ROW = 20
"""So many say that the store is away; fewer, that files are damaged, which must not keep the others from being saved."""


@dataclass(slots=True)
class Created:
    """A finished back-up: where it is, how many contents were copied now, and how many were here already."""

    folder: Path
    copied: int = 0
    copied_bytes: int = 0
    missing: list[str] = field(default_factory=list)
    """The digests whose bytes the store does not have, or has damaged: what the source has lost, the back-up lacks."""
    blobs: int = 0
    rows: int = 0


def create_backup(
    *, place: BackupPlace, actor: str, tell: Tell = lambda _what, _done: None, pg_bin: Path | None = None
) -> Created:
    """Make a back-up of this installation; BackupError when it cannot be made, and then none is left half.

    `tell` hears what is done and how many of it, again and again.
    """
    _check_apart(place)
    with place.locked(), place.begun(timezone.now()) as folder:
        made = Created(folder=place.root / folder.stem)
        store = artifact_store()
        _copy(blobs_now(), store, place, made, tell)
        tell("database", 0)
        snapshot = take_snapshot(folder, pg_bin=pg_bin)
        missing, size = _copy(read_blob_list(folder / BLOB_LIST), store, place, made, tell)
        made.missing, made.rows = missing, sum(snapshot.rows.values())
        made.blobs = snapshot.rows[Blob._meta.db_table]  # noqa: SLF001 - Django documents it
        manifest = Manifest(
            created_at=timezone.now(),
            vendor=connection.vendor,
            server_version=snapshot.server_version,
            dump=file_facts(snapshot.dump),
            blob_list=file_facts(folder / BLOB_LIST),
            blobs=BlobFacts(count=made.blobs, size_bytes=size, missing=tuple(missing)),
            rows=snapshot.rows,
            migrations=snapshot.migrations,
            keys=key_fingerprints(),
        )
        write_manifest(folder, manifest)
    audit.record(
        actor=actor,
        action="backup.create",
        object_kind="backup",
        object_id=made.folder.name,
        details={"blobs": made.blobs, "copied": made.copied, "missing": len(made.missing)},
    )
    return made


def _check_apart(place: BackupPlace) -> None:
    root, data = place.root.resolve(), settings.ARTIFACTS_DIR.resolve()
    if root == data or data in root.parents or root in data.parents:
        raise BackupError(
            f"{root} holds the files that are to be backed up, or is among them; take another folder."
        )


def blobs_now() -> Iterator[BlobInfo]:
    """Every blob at about this time, in short statements: a long one would keep the database from cleaning up."""
    last = ""
    while True:
        page = list(Blob.objects.filter(digest__gt=last).order_by("digest")[:_AT_ONCE])
        for row in page:
            yield BlobInfo(row.digest, row.size_bytes, row.stored_bytes, row.encoding)
        if len(page) < _AT_ONCE:
            return
        last = page[-1].digest


def _copy(
    blobs: Iterator[BlobInfo], store: BlobStore, place: BackupPlace, made: Created, tell: Tell
) -> tuple[list[str], int]:
    """Copy what is not here yet; returns the digests that were not to be had, and the plain bytes of all."""
    missing, size, failures = [], 0, 0
    for number, blob in enumerate(blobs, 1):
        size += blob.size_bytes
        if place.held(blob.digest, blob.size_bytes) is None:
            try:
                copy_blob(blob, source=store, target=place.blobs)
            except BlobError as error:
                missing.append(blob.digest)
                failures = 0 if isinstance(error, BlobNotFoundError) else failures + 1
                if failures == _FAILURES_IN_A_ROW:
                    raise BackupError(
                        f"The store cannot be read, so nothing was backed up. {error}"
                    ) from error
            else:
                failures = 0
                made.copied += 1
                made.copied_bytes += blob.size_bytes
        tell("blobs", number)
    return missing, size
