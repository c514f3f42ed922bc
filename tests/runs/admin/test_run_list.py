"""The list of runs stays quick, whatever the size of the history."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

if TYPE_CHECKING:
    from django.test import Client

    from runs.models import Run
    from tests.support.runs_factory import RunsFactory

pytestmark = pytest.mark.django_db
LIST = "/admin/runs/run/"


def test_a_row_tells_the_failure_in_one_sentence(console: Client, runs_factory: RunsFactory) -> None:
    run = runs_factory.failed("The shop was closed.")

    response = console.get(LIST)

    assert "The shop was closed." in response.text
    assert f"/admin/runs/run/{run.pk}/change/" in response.text


def test_the_number_of_queries_does_not_grow_with_the_rows(
    console: Client, runs_factory: RunsFactory
) -> None:
    few, _ = queries_of(console, runs_factory)
    more, statements = queries_of(console, runs_factory)

    assert few == more
    assert few <= 3 + 6, "session, user and permissions; then count, rows, and the choices of filters"
    assert not [sql for sql in statements if "COUNT(*)" in sql and "LIMIT" not in sql]


def queries_of(console: Client, factory: RunsFactory) -> tuple[int, list[str]]:
    """How many queries the list needs with six more runs, and which."""
    for _ in range(6):
        factory.requested()
    with CaptureQueriesContext(connection) as queries:
        console.get(LIST)
    return len(queries), [query["sql"] for query in queries.captured_queries]


def test_the_usual_filters_and_the_search_find_the_run(console: Client, runs_factory: RunsFactory) -> None:
    failed, waiting = runs_factory.failed(), runs_factory.requested()

    def shown(query: str) -> list[Run]:
        return list(console.get(LIST + query).context["cl"].result_list)

    assert shown("?state__in=expired,failed,timed_out") == [failed]
    assert shown(f"?q={waiting.pk}") == [waiting]
    assert shown("?q=shop-inv") == [waiting, failed]
    assert shown("?q=other") == []
