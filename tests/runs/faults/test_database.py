"""PostgreSQL stopped, or SQLite's write lock held, while attempts run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra_shared.clock import monotonic
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from tests.runs.faults.rig import Rig

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def _assert_an_outage_costs_nothing(
    rig: Rig, away: Callable[[], AbstractContextManager[None]], *, seconds: float
) -> None:
    asked = [rig.ask("practice-invoices") for _ in range(rig.processes)]
    wait_until(
        lambda: all(len(rig.all_of(run_id, "steps")) >= 3 for run_id in asked),
        60,
        what="a run in mid-run in each process",
    )

    with away():
        told, alive = rig.answers_for(seconds)
    back_at = monotonic()

    assert {answer.status_code for answer in told} == {503}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in told)
    assert {answer.text for answer in alive} == {"ok"}
    for run_id in [*asked, rig.ask("practice-invoices")]:
        run = rig.ended(run_id)
        moves = [move["to_state"] for move in rig.all_of(run_id, "transitions") if move["attempt"] == 1]
        assert run["state"] == "succeeded", run["failure"]
        assert moves == ["queued", "running", "succeeded"]
        assert len(rig.all_of(run_id, "attempts")) == 1
        assert [item for item in rig.all_of(run_id, "artifacts") if item["missing_reason"]] == []
    assert monotonic() - back_at < 90


def test_a_short_outage_of_the_database_costs_none_of_four_live_attempts(broken: Rig) -> None:
    _assert_an_outage_costs_nothing(broken, broken.database_away, seconds=9)


@pytest.mark.slow
def test_half_a_minute_without_the_database_costs_nothing(default_lease: Rig) -> None:
    _assert_an_outage_costs_nothing(default_lease, default_lease.database_away, seconds=30)


@pytest.mark.slow
def test_a_frozen_database_costs_nothing(broken: Rig) -> None:
    if broken.server is None:
        pytest.skip("SQLite has no server that could freeze")
    _assert_an_outage_costs_nothing(broken, broken.database_frozen, seconds=9)
