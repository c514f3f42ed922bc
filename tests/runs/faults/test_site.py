"""A practice site that is down, or that answers many requests with 503."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from infra_shared.clock import monotonic

if TYPE_CHECKING:
    from tests.runs.faults.rig import Rig

# The database plays no part in these, so they are not repeated on PostgreSQL.
pytestmark = [pytest.mark.browser, pytest.mark.sqlite, pytest.mark.timeout(600)]


def test_a_site_that_is_down_is_tried_again_later_and_ends_as_navigation(broken: Rig) -> None:
    broken.system.site.kill()
    try:
        run_id = broken.ask("open-two-pages")
        run = broken.ended(run_id)
    finally:
        broken.system.start_site()

    first, second = broken.all_of(run_id, "attempts")
    assert (run["state"], run["failure"]["kind"]) == ("failed", "navigation")
    assert {first["failure"]["kind"], second["failure"]["kind"]} == {"navigation"}
    assert datetime.fromisoformat(second["due_at"]) > datetime.fromisoformat(first["finished_at"])


def _assert_each_run_ends_by_its_class(rig: Rig, *, runs: int) -> None:
    rig.strike("503@0.3", seed=11)
    until = monotonic() + 60 * runs
    asked = [rig.ask("practice-invoices") for _ in range(runs)]

    ended = [rig.ended(run_id, seconds=until - monotonic()) for run_id in asked]

    numbers = sorted(invoice["number"] for invoice in rig.truth()["invoices"])
    for run in ended:
        attempts = rig.all_of(run["id"], "attempts")
        assert {attempt["failure"]["kind"] for attempt in attempts if attempt["failure"]} <= {"navigation"}
        if run["state"] == "succeeded":
            result = rig.api.get(f"/runs/{run['id']}/result").raise_for_status().json()
            assert sorted(row["number"] for row in result["invoices"]) == numbers
        else:
            assert (run["state"], run["failure"]["kind"]) == ("failed", "navigation")
            assert len(attempts) == run["max_attempts"]


def test_runs_on_a_site_that_answers_503_end_by_their_class(broken: Rig) -> None:
    _assert_each_run_ends_by_its_class(broken, runs=2)


@pytest.mark.slow
def test_many_runs_on_a_site_that_answers_503_end_by_their_class(broken: Rig) -> None:
    _assert_each_run_ends_by_its_class(broken, runs=10)
