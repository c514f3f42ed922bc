"""Everything a system stored, as plain bytes: blobs decompressed, archives opened, every table, every log."""

from __future__ import annotations

import contextlib
import html
import io
import json
import sqlite3
import zipfile
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import psycopg
import zstandard
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tests.runs.faults.rig import Rig

ZIP = b"PK\x03\x04"


def places_of(secrets: Iterable[str], rig: Rig) -> list[str]:
    """The names of what holds a secret, in any of its spellings; empty when nothing does."""
    spellings = {
        spelling.encode()
        for secret in secrets
        for spelling in (
            *(secret, html.escape(secret), json.dumps(secret)[1:-1]),
            *(quote(secret), quote(secret, safe=""), quote(secret, safe="+&/"), quote_plus(secret)),
        )
    }
    return [name for name, body in everything_stored(rig) if any(spelling in body for spelling in spellings)]


def everything_stored(rig: Rig) -> Iterator[tuple[str, bytes]]:
    """Each stored thing with its name."""
    yield from _files(rig.artifacts)
    yield from _files(rig.system.folder / "log")
    yield from (_postgres_rows if rig.server else _sqlite_rows)(rig)


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in (path for path in folder.rglob("*") if path.is_file()):
        body = path.read_bytes()
        if path.suffix == ".zst":
            body = zstandard.ZstdDecompressor().stream_reader(body).read()
        yield str(path), body
        if body.startswith(ZIP):
            with zipfile.ZipFile(io.BytesIO(body)) as archive:
                for name in archive.namelist():
                    yield f"{path}!{name}", archive.read(name)


def _sqlite_rows(rig: Rig) -> Iterator[tuple[str, bytes]]:
    with contextlib.closing(sqlite3.connect(rig.sqlite_path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                yield table, _flat(row)


def _postgres_rows(rig: Rig) -> Iterator[tuple[str, bytes]]:
    assert rig.server is not None
    with psycopg.connect(host=str(rig.server.folder), user="orchestrator", dbname="main") as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            for row in connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))):
                yield table, _flat(row)


def _flat(row: Iterable[object]) -> bytes:
    """One row as bytes; JSON columns come decoded, so that no escape hides a letter."""
    return b"\n".join(
        bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode() for value in row
    )
