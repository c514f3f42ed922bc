"""The database's clock, and a process that outlives its database's absence."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, connections, transaction

from infra_shared.clock import utc_now
from infra_shared.database import database_now, is_lock_or_connection_error, when_reachable
from tests.support.waiting import wait_until

MINUTE = timedelta(minutes=1)


def _select(alias: str = "outage") -> int:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT 1")
        value: int = cursor.fetchone()[0]
        return value


@pytest.mark.django_db
def test_the_databases_clock_is_aware_utc_and_goes_on_inside_a_transaction():
    first = database_now()

    assert first.utcoffset() == timedelta(0)
    assert abs(first - utc_now()) < timedelta(seconds=30)
    wait_until(lambda: database_now() > first)  # a test of `django_db` is one transaction


def test_work_waits_for_a_postgresql_that_was_stopped_and_then_goes_on(outage):
    _select()
    outage.stop()
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            outage.start()

    assert when_reachable(_select, up_to=MINUTE, sleep=sleep) == 1
    assert len(pauses) >= 3
    assert pauses == sorted(pauses)


def test_work_gives_up_with_the_databases_error_when_the_time_is_over(outage):
    outage.stop()
    slept: list[float] = []

    with pytest.raises(OperationalError) as raised:
        when_reachable(_select, up_to=MINUTE, sleep=slept.append, monotonic=lambda: sum(slept))

    assert is_lock_or_connection_error(raised.value)
    assert sum(slept) == pytest.approx(
        60
    )  # the last pause ends with the time, and is followed by one more try


def test_waiting_ends_as_soon_as_the_process_is_told_to_stop(outage):
    outage.stop()

    with pytest.raises(OperationalError):
        when_reachable(_select, up_to=MINUTE, keep_waiting=lambda: False)


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_work_waits_for_the_write_lock_of_sqlite():
    holder = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")

    def write() -> str:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout = 0")
        with transaction.atomic():
            return "written"

    assert when_reachable(write, up_to=MINUTE, sleep=lambda _: holder.close()) == "written"


@pytest.mark.django_db
def test_an_error_that_waiting_cannot_mend_is_raised_at_once():
    def broken() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT * FROM no_such_table")

    with pytest.raises(Exception, match="no_such_table") as raised:
        when_reachable(broken, up_to=MINUTE, sleep=_must_not_wait)

    assert not is_lock_or_connection_error(raised.value)


@pytest.mark.django_db
def test_inside_a_transaction_nothing_is_repeated():
    def unreachable() -> None:
        raise OperationalError("the server closed the connection")

    with pytest.raises(OperationalError):
        when_reachable(unreachable, up_to=MINUTE, sleep=_must_not_wait)


def _must_not_wait(seconds: float) -> None:
    pytest.fail(f"It waited {seconds} s.")
