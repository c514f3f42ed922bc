"""The storm's own way into the database, beside the product's: plain SQL, a connection for each question."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any, Protocol

import psycopg

from config.local.postgres import ROLE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from config.local.postgres import PostgresServer

NAME = "main"
LOCK_SECONDS = 30
Rows = list[tuple[Any, ...]]


class Readable(Protocol):
    """What a witness asks of a database."""

    vendor: str

    def rows(self, statement: str) -> Rows:
        """Run a query and return its rows."""

    def run(self, *statements: str) -> int:
        """Run statements in one transaction; how many rows the last one touched."""


class Database(Readable, Protocol):
    """What the storm asks of one."""

    def cut_connections(self, share: float) -> int:
        """Cut about this share of the product's connections; how many. 0 where there are none to cut."""

    def away(self) -> contextlib.AbstractContextManager[None]:
        """The database out of reach for writes as long as the block lasts."""


class PostgresDatabase:
    """A PostgreSQL server that is stopped and started, and whose connections are cut."""

    vendor = "postgresql"

    def __init__(self, server: PostgresServer) -> None:
        self._server = server

    def rows(self, statement: str) -> Rows:
        """Run a query and return its rows."""
        with self._connection() as connection:
            return connection.execute(statement.encode()).fetchall()

    def run(self, *statements: str) -> int:
        """Run statements in one transaction; how many rows the last one touched."""
        touched = 0
        with self._connection() as connection:
            for statement in statements:
                touched = connection.execute(statement.encode()).rowcount
        return touched

    def cut_connections(self, share: float) -> int:
        """Cut about this share of the product's connections; how many."""
        return len(
            self.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                f"WHERE datname = '{NAME}' AND pid <> pg_backend_pid() AND random() < {share:.3f}"
            )
        )

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Stop the server as an administrator would, and start it again."""
        self._server.stop()
        try:
            yield
        finally:
            self._server.start()

    def _connection(self) -> psycopg.Connection:
        return psycopg.connect(host=str(self._server.folder), user=ROLE, dbname=NAME)


class SqliteDatabase:
    """An embedded database, whose one write lock is held."""

    vendor = "sqlite"

    def __init__(self, path: Path) -> None:
        self._path = path

    def rows(self, statement: str) -> Rows:
        """Run a query and return its rows."""
        with self._connection() as connection:
            return connection.execute(statement).fetchall()

    def run(self, *statements: str) -> int:
        """Run statements in one transaction; how many rows the last one touched."""
        touched = 0
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            for statement in statements:
                touched = connection.execute(statement).rowcount
            connection.execute("COMMIT")
        return touched

    def cut_connections(self, share: float) -> int:
        """Nothing: a file has no connections that somebody else could cut."""
        del share
        return 0

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Hold the write lock."""
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with contextlib.closing(sqlite3.connect(self._path, timeout=LOCK_SECONDS)) as connection:
            connection.isolation_level = None
            yield connection
