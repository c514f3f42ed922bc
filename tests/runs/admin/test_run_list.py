"""The list of runs stays quick, whatever the size of the history."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from runs.models import Attempt, Run
from runs.services.run_filter import signed_in

if TYPE_CHECKING:
    from django.test import Client

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


def test_runs_are_found_by_how_they_were_signed_in_in_the_list_and_for_bulk_orders(
    console: Client, runs_factory: RunsFactory
) -> None:
    degraded, cached, _ = (runs_factory.requested() for _ in range(3))
    Attempt.objects.filter(run=degraded).update(session="degraded")
    Attempt.objects.filter(run=cached).update(session="cached")

    shown = console.get(f"{LIST}?session=degraded")
    asked = console.get(f"{LIST}bulk/cancel/?session=degraded")

    assert list(shown.context["cl"].result_list) == [degraded]
    assert "1 run would be cancelled" in asked.text
    assert len(console.get(f"{LIST}?session=nonsense").context["cl"].result_list) == 3


@pytest.mark.sqlite
def test_the_runs_of_one_way_of_signing_in_are_found_by_an_index() -> None:
    plan = signed_in(Run.objects.all(), "degraded").order_by("-id")[:41].explain()

    assert "attempt_session" in plan
    assert "SCAN" not in plan
