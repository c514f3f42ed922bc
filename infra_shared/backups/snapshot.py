"""The database in one moment: its dump, and what is counted in the very same moment.

SQLite is copied by its own online back-up, PostgreSQL dumped by `pg_dump` from a snapshot that this process exported and
counts in. Both while everybody else goes on writing.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from infra_shared.backups.clients import run_client
from infra_shared.backups.errors import BackupError, DamagedBackupError
from infra_shared.backups.place import BLOB_LIST, write_durably
from infra_shared.models import Blob

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    Query = Callable[[str], Iterable[tuple[Any, ...]]]

SQLITE_FILE, POSTGRES_FILE = "database.sqlite3", "database.pgdump"
_BLOBS = f"SELECT digest, size_bytes, encoding FROM {Blob._meta.db_table} ORDER BY digest"  # noqa: S608, SLF001 - the model's own name
_SQLITE_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What was in the database when it was dumped."""

    dump: Path
    server_version: str
    rows: dict[str, int]
    migrations: dict[str, tuple[str, ...]]


def take_snapshot(folder: Path, *, pg_bin: Path | None = None) -> Snapshot:
    """Dump the database into the folder and list its blobs there; BackupError when that is not possible."""
    if connection.vendor == "sqlite":
        return _take_sqlite(folder)
    if connection.vendor == "postgresql":
        return _take_postgres(folder, pg_bin)
    raise BackupError(f"A database of the kind {connection.vendor} cannot be backed up by this command.")


def check_sqlite(path: Path) -> None:
    """DamagedBackupError when SQLite finds its file damaged."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as copy:
            (verdict,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        raise DamagedBackupError(f"{path} is no whole SQLite database: {error}.") from error
    if verdict != "ok":
        raise DamagedBackupError(f"{path} is damaged: {verdict}.")


def _take_sqlite(folder: Path) -> Snapshot:
    path = folder / SQLITE_FILE
    connection.ensure_connection()
    with closing(sqlite3.connect(path)) as copy:
        # In one step: page by page it would begin anew whenever somebody writes. Under WAL it holds nobody up.
        connection.connection.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
        tables = [name for (name,) in copy.execute(_SQLITE_TABLES)]
        found = Snapshot(
            dump=path,
            server_version=sqlite3.sqlite_version,
            rows=_rows(copy.execute, tables),
            migrations=_migrations(copy.execute),
        )
        write_durably(folder / BLOB_LIST, _blob_lines(copy.execute(_BLOBS)))
    check_sqlite(path)
    _sync(path)
    return found


def _take_postgres(folder: Path, pg_bin: Path | None) -> Snapshot:
    path = folder / POSTGRES_FILE
    with transaction.atomic(durable=True), connection.cursor() as cursor:

        def query(statement: str) -> Iterable[tuple[Any, ...]]:
            cursor.execute(statement)
            return list(cursor.fetchall())

        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")  # it waits for pg_dump
        ((snapshot,),) = query("SELECT pg_export_snapshot()")
        found = Snapshot(
            dump=path,
            server_version=str(connection.connection.info.server_version),
            rows=_rows(query, connection.introspection.table_names(cursor)),
            migrations=_migrations(query),
        )
        with connection.chunked_cursor() as blobs:
            blobs.execute(_BLOBS)
            write_durably(folder / BLOB_LIST, _blob_lines(blobs))
        run_client(
            "pg_dump",
            "--format=custom",
            "--no-owner",
            "--no-privileges",
            f"--snapshot={snapshot}",
            f"--file={path}",
            pg_bin=pg_bin,
        )
    _sync(path)
    return found


def _rows(query: Query, tables: Iterable[str]) -> dict[str, int]:
    counted = {}
    for table in sorted(tables):
        ((number,),) = query(f"SELECT count(*) FROM {connection.ops.quote_name(table)}")  # noqa: S608 - a table that is there
        counted[table] = number
    return counted


def _migrations(query: Query) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for app, name in query("SELECT app, name FROM django_migrations ORDER BY app, name"):
        found.setdefault(app, []).append(name)
    return {app: tuple(names) for app, names in found.items()}


def _blob_lines(rows: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    for digest, size_bytes, encoding in rows:
        yield f"{digest}\t{size_bytes}\t{encoding}\n"


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
