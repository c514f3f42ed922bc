"""Rate limits hold for every process that shares the database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from infra_shared.models import RateWindow
from infra_shared.services.rate_limits import RateDecision, hit, peek, purge_windows

NOW = datetime(2026, 3, 1, 12, 0, 15, tzinfo=UTC)
LIMIT = {"limit": 3, "per_seconds": 60}


@pytest.mark.django_db
def test_uses_over_the_limit_are_refused_until_the_window_ends():
    allowed = [hit("key:1", **LIMIT, now=NOW).allowed for _ in range(4)]

    assert allowed == [True, True, True, False]
    assert hit("key:1", **LIMIT, now=NOW) == RateDecision(allowed=False, retry_after_seconds=45, count=5)
    assert hit("key:1", **LIMIT, now=NOW + timedelta(seconds=45)).allowed


@pytest.mark.django_db
def test_keys_do_not_share_a_limit():
    for _ in range(4):
        hit("key:1", **LIMIT, now=NOW)

    assert hit("key:2", **LIMIT, now=NOW).allowed


@pytest.mark.django_db
def test_asking_does_not_count():
    answers = [peek("address:1", **LIMIT, now=NOW).allowed for _ in range(9)]
    for _ in range(3):
        hit("address:1", **LIMIT, now=NOW)

    assert all(answers)
    assert not peek("address:1", **LIMIT, now=NOW).allowed


@pytest.mark.django_db(transaction=True)
def test_no_use_is_lost_when_many_count_at_once():
    def use(_: int) -> None:
        hit("key:1", limit=100, per_seconds=60, now=NOW)
        connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(use, range(40)))

    assert RateWindow.objects.get().count == 40


@pytest.mark.django_db
def test_a_use_is_one_statement(django_assert_num_queries):
    with django_assert_num_queries(1):
        hit("key:1", limit=3, per_seconds=60)


@pytest.mark.django_db
def test_counters_of_windows_long_over_are_deleted():
    hit("old", **LIMIT, now=NOW - timedelta(hours=2))
    hit("new", **LIMIT, now=NOW)

    assert purge_windows(now=NOW) == 1
    assert RateWindow.objects.get().key == "new"
