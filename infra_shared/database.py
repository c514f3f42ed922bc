"""The database's clock, and how a process behaves while the database does not answer."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

import structlog
from django.db import (
    DEFAULT_DB_ALIAS,
    InterfaceError,
    OperationalError,
    connections,
    transaction,
)

from infra_shared import clock
from infra_shared.retries import PERMANENT, RETRYABLE, Failure, RetryPolicy, call

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.migrations.loader import MigrationLoader

T = TypeVar("T")
_log = structlog.get_logger(__name__)
# Half by chance: the processes of a machine lose the database together and must not come back in one moment.
_OUTAGE = RetryPolicy(first_pause=timedelta(seconds=0.1), longest_pause=timedelta(seconds=2), jitter=0.5)

# SQLSTATE classes and codes after which the same work may succeed later: connection exceptions, too many connections,
# shutdown and start-up of the server, lock not available, deadlock and serialisation failure.
_TRANSIENT_SQLSTATES = (
    "08",
    "53300",
    "57P01",
    "57P02",
    "57P03",
    "57P05",
    "55P03",
    "40P01",
    "40001",
)
_TRANSIENT_SQLITE_CODES = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


def database_now(using: str = DEFAULT_DB_ALIAS) -> datetime:
    """The database's clock as aware UTC: the one clock on which all machines agree (leases, due times).

    It goes on inside a transaction. Microseconds on PostgreSQL, milliseconds on SQLite.
    """
    connection = connections[using]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT clock_timestamp()")
            stamp: datetime = cursor.fetchone()[0]
            return stamp.astimezone(UTC)
        cursor.execute("SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')")
        return datetime.fromisoformat(cursor.fetchone()[0]).replace(tzinfo=UTC)


def await_write_lock(using: str = DEFAULT_DB_ALIAS) -> None:
    """Return once the database takes writes; nothing is written.

    SQLite has one lock for all writers, and whoever else waited for it may have written as little as we did.
    PostgreSQL has none. Raises OperationalError when the lock was not to be had in the connection's time.
    """
    if connections[using].vendor == "sqlite":
        with transaction.atomic(using=using):  # BEGIN IMMEDIATE (settings)
            pass


def is_lock_or_connection_error(error: BaseException) -> bool:
    """Whether the same work may succeed later, unchanged: the database was unreachable, or a lock was held."""
    if isinstance(error, InterfaceError):
        return True  # the connection was closed under us
    if not isinstance(error, OperationalError):
        return False
    cause = error.__cause__
    if isinstance(cause, sqlite3.Error):
        # Extended codes carry the primary one in their low byte.
        code = getattr(cause, "sqlite_errorcode", 0)
        return code & 0xFF in _TRANSIENT_SQLITE_CODES
    # psycopg: without a code the server never answered (refused, timed out, connection lost, pool empty).
    state = getattr(cause, "sqlstate", None)
    return state is None or state.startswith(_TRANSIENT_SQLSTATES)


def known_migrations(loader: MigrationLoader) -> set[tuple[str, str]]:
    """Every migration that this code knows, by app and name: those on disk, and those they stand for."""
    replaced = {key for migration in loader.disk_migrations.values() for key in migration.replaces}
    return {*loader.disk_migrations, *replaced}


def when_reachable(
    work: Callable[[], T],
    *,
    up_to: timedelta,
    keep_waiting: Callable[[], bool] = lambda: True,
    sleep: Callable[[float], None] = clock.sleep,
    monotonic: Callable[[], float] = clock.monotonic,
) -> T:
    """What `work` returns, tried again while the database is unreachable or a lock is held.

    Broken connections are closed between tries. After `up_to`, or as soon as `keep_waiting` says no, the last error is
    raised; any other error at once. `work` must be safe to repeat, and must not be part of an open transaction (its
    error is then raised at once, since only the whole transaction could be repeated).
    """
    began = monotonic()
    waited = False

    def judge(error: BaseException) -> Failure:
        may_repeat = is_lock_or_connection_error(error) and not _inside_a_transaction() and keep_waiting()
        return RETRYABLE if may_repeat else PERMANENT

    def prepare(error: BaseException) -> None:
        nonlocal waited
        if not waited:
            _log.warning("database_unreachable", error=str(error))
        waited = True
        _close_broken_connections()

    policy = replace(_OUTAGE, within=up_to)
    result = call(work, policy=policy, judge=judge, before_pause=prepare, sleep=sleep, monotonic=monotonic)
    if waited:
        _log.info("database_reachable", waited_seconds=round(monotonic() - began, 1))
    return result


def _inside_a_transaction() -> bool:
    return any(
        transaction.get_connection(connection.alias).in_atomic_block
        for connection in connections.all(initialized_only=True)
    )


def _close_broken_connections() -> None:
    for connection in connections.all(initialized_only=True):
        connection.close_if_unusable_or_obsolete()
