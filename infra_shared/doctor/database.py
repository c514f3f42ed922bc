"""Whether the database answers, and is set up to keep what it was given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import DatabaseError, connection

from infra_shared import clock
from infra_shared.checkup import Check, bad, good, odd, register

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.backends.base.base import BaseDatabaseWrapper

    from infra_shared.checkup import Finding

NAME = "database"
ADVICE = "Start it, or mend DATABASE_URL; on PostgreSQL try the same address with psql."
_CROWDED = 0.8
"""Share of the server's connections in use beyond which others may soon find none."""
# What a crash may destroy, or lose although it was said to be kept, where these are off.
_PROMISES = {
    "fsync": "a power cut may destroy the whole database",
    "full_page_writes": "a power cut may leave torn pages",
    "synchronous_commit": "a crash loses the last moves of runs, though their work was done",
}


def look() -> Iterator[Finding]:
    """Connect, and read how the server is set up."""
    began = clock.monotonic()
    try:
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        yield bad(f"The database does not answer: {error}", ADVICE)
        return
    milliseconds = round((clock.monotonic() - began) * 1000)
    version = ".".join(str(number) for number in connection.get_database_version())
    yield good(f"{connection.display_name} {version} answered within {milliseconds} ms.")
    yield from _postgres() if connection.vendor == "postgresql" else journal(connection)


def _postgres() -> Iterator[Finding]:
    for name, harm in _PROMISES.items():
        if _shown(name) == "off":
            yield odd(f"{name} is off: {harm}.", f"Set {name} = on in postgresql.conf.")
    if (encoding := _shown("server_encoding")) != "UTF8":
        yield bad(
            f"The database's encoding is {encoding}: not every text can be stored.",
            "Create the database with ENCODING 'UTF8' and move the data.",
        )
    used, most = _count("SELECT count(*) FROM pg_stat_activity"), int(_shown("max_connections"))
    if used > most * _CROWDED:
        yield odd(
            f"{used} of {most} connections are in use.",
            "Raise max_connections, or lower DATABASE_POOL_MAX and WORKER_PROCESSES.",
        )


def journal(sqlite: BaseDatabaseWrapper) -> Iterator[Finding]:
    """A finding when this SQLite database has no write-ahead log."""
    with sqlite.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode")
        mode = str(cursor.fetchone()[0])
    if mode != "wal":
        yield bad(
            f"The journal mode is {mode}, not wal: readers and writers would wait for each other.",
            "Put DATA_DIR on a disk of this machine; folders of a network cannot have it.",
        )


def _shown(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s)", [name])
        return str(cursor.fetchone()[0])


def _count(question: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(question)
        return int(cursor.fetchone()[0])


register(Check(name=NAME, look=look, advice=ADVICE, order=20, seconds=15))
