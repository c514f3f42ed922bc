"""Bringing a back-up into an empty place.

Everything that can be known beforehand is asked before anything is written: whether the back-up is whole, whether this
release understands it, whether the keys are here, whether the place is empty. Then the bytes go in before the rows, so that
a database that is there has all its files; and what was restored is counted and read.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from infra_shared.backups.clients import find_client, run_client
from infra_shared.backups.errors import BackupError, RestoreRefusedError
from infra_shared.backups.manifest import Manifest, check_file, read_manifest
from infra_shared.backups.place import read_blob_list
from infra_shared.backups.refilling import bring_bytes
from infra_shared.backups.verifying import check_dump
from infra_shared.blobs.django_store import artifact_store
from infra_shared.blobs.protocol import BlobError
from infra_shared.crypto import key_fingerprints
from infra_shared.database import known_migrations
from infra_shared.retention import EVERY_SHELF
from infra_shared.services import audit
from infra_shared.services.blobs import remember_blobs
from infra_shared.services.key_rotation import key_places

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from infra_shared.backups.place import BackupPlace

    Tell = Callable[[str, int], None]

_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreOrder:
    """What is to be restored, and which refusals somebody has thought about.

    `reuse_blobs` lets the store hold files already: they are kept, and only what is not there is copied.
    `without_keys` restores although encrypted values will not be readable.
    """

    name: str | None = None
    reuse_blobs: bool = False
    without_keys: bool = False
    pg_bin: Path | None = None


@dataclass(slots=True)
class Restored:
    """What was restored, and what of it is not as it was."""

    folder: Path
    rows: int = 0
    copied: int = 0
    there: int = 0
    missing: list[str] = field(default_factory=list)
    """Digests whose bytes the back-up does not have."""
    unreadable: int = 0
    """Encrypted values that no key of FIELD_ENCRYPTION_KEYS reads."""
    migrated: bool = False
    """Whether this release is newer, so that its migrations were run."""


def restore_backup(
    *, place: BackupPlace, order: RestoreOrder, actor: str, tell: Tell = lambda _what, _done: None
) -> Restored:
    """Restore a back-up into this installation's database and store.

    RestoreRefusedError and DamagedBackupError before anything was written; any other BackupError when it broke off: then
    the database is empty, and with `reuse_blobs` it goes on where it was.
    """
    with place.reading():
        done = _restore(place, order, tell)
    audit.record(
        actor=actor,
        action="backup.restore",
        object_kind="backup",
        object_id=done.folder.name,
        details={"copied": done.copied, "missing": len(done.missing), "unreadable": done.unreadable},
    )
    return done


def _restore(place: BackupPlace, order: RestoreOrder, tell: Tell) -> Restored:
    folder = place.folder(order.name)
    manifest = read_manifest(folder)
    dump, blob_list = check_dump(folder, manifest), check_file(folder, manifest.blob_list)
    pending = _check_fits(manifest, order)
    files, kept_otherwise = bring_bytes(blobs=read_blob_list(blob_list), place=place, tell=tell)
    done = Restored(folder=folder, copied=files.copied, there=files.there, missing=files.missing)
    tell("database", 0)
    _load(dump, order)
    _check_rows(manifest)
    done.rows = sum(manifest.rows.values())
    if pending:
        call_command("migrate", interactive=False, verbosity=0)
        done.migrated = True
    remember_blobs(kept_otherwise)
    done.unreadable = _unreadable()
    return done


def _check_fits(manifest: Manifest, order: RestoreOrder) -> bool:
    """Refuse what cannot end well; returns whether this release has migrations the back-up has not."""
    if manifest.vendor != connection.vendor:
        raise RestoreRefusedError(
            f"The back-up is of {manifest.vendor}, DATABASE_URL names {connection.vendor}; restore into the same kind. "
            "Single runs go from one kind to the other by `manage.py runs export` and `runs import`."
        )
    if manifest.vendor == "postgresql":
        find_client("pg_restore", pg_bin=order.pg_bin)
    pending = _check_migrations(manifest)
    _check_keys(manifest, order)
    _check_empty(order)
    return pending


def _check_migrations(manifest: Manifest) -> bool:
    loader = MigrationLoader(None)
    applied = {(app, name) for app, names in manifest.migrations.items() for name in names}
    strange = sorted(f"{app}.{name}" for app, name in applied - known_migrations(loader))
    if strange:
        raise RestoreRefusedError(
            f"The back-up was made by a newer release: this one does not know {', '.join(strange[:5])}. Install the release "
            "it was made with, or a newer one."
        )
    return bool(loader.disk_migrations.keys() - applied)


def _check_keys(manifest: Manifest, order: RestoreOrder) -> None:
    lacking = [key for key in manifest.keys if key not in key_fingerprints()]
    if lacking and not order.without_keys:
        raise RestoreRefusedError(
            f"FIELD_ENCRYPTION_KEYS lacks {len(lacking)} of {len(manifest.keys)} keys this back-up needs (fingerprints "
            f"{', '.join(lacking)}). Put them into the list. Where they are lost for good, --without-keys restores all the "
            "rest: credentials, secrets of sources, second factors and signed-in sessions have to be set anew."
        )


def _check_empty(order: RestoreOrder) -> None:
    tables = connection.introspection.table_names()
    if tables:
        raise RestoreRefusedError(
            f"The database holds {len(tables)} tables already. Restore into a new, empty one: name it in DATABASE_URL, and do "
            "not run migrations first."
        )
    if order.reuse_blobs:
        return
    store = artifact_store()
    try:
        found = next((file.name for shelf in EVERY_SHELF for file in store.files(shelf)), None)
    except BlobError as error:
        raise RestoreRefusedError(f"The store does not answer: {error}") from error
    if found is not None:
        raise RestoreRefusedError(
            f"The store of artifacts is not empty (it holds {found}). Restore into an empty one, or keep what is there and "
            "copy only the rest with --reuse-blobs."
        )


def _load(dump: Path, order: RestoreOrder) -> None:
    if connection.vendor == "postgresql":
        # All or nothing: a database that was restored by half would not be empty for the next try.
        run_client(
            "pg_restore",
            "--single-transaction",
            "--no-owner",
            "--no-privileges",
            dump,
            pg_bin=order.pg_bin,
        )
        return
    connection.ensure_connection()
    try:
        with closing(sqlite3.connect(f"file:{dump}?mode=ro", uri=True)) as copy:
            copy.backup(connection.connection)
    except sqlite3.Error as error:
        raise BackupError(f"The database could not be written: {error}.") from error
    finally:
        connection.close()


def _check_rows(manifest: Manifest) -> None:
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        for table, wanted in manifest.rows.items():
            cursor.execute(f"SELECT count(*) FROM {quote(table)}")  # noqa: S608 - a table of the dump, quoted
            (found,) = cursor.fetchone()
            if found != wanted:
                raise BackupError(
                    f"{table} has {found} rows after restoring and had {wanted}; do not use this database."
                )


def _unreadable() -> int:
    total = 0
    for key_place in key_places():
        tallies = list(key_place.walk(rotate=False, batch=_BATCH))
        total += tallies[-1].unreadable if tallies else 0
    return total
