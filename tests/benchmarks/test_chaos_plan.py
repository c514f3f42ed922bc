"""One seed, one storm."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from automations import fire_times
from automations.fire_times import TimeRule
from benchmarks._chaos.plan import COMMIT, ONE_PAGE, Blow, make_plan

BEGAN_AT = datetime(2026, 11, 23, 1, 2, 3, 400_000, tzinfo=UTC)


def test_a_seed_gives_the_same_storm_and_another_seed_another():
    assert make_plan(seed=5, seconds=600) == make_plan(seed=5, seconds=600)
    assert make_plan(seed=5, seconds=600) != make_plan(seed=6, seconds=600)


@pytest.mark.parametrize("seed", range(5))
def test_the_shortest_storm_has_each_blow(seed):
    plan = make_plan(seed=seed, seconds=12)

    assert {blow.blow for blow in plan.blows} == set(Blow)


@pytest.mark.parametrize("seed", range(5))
def test_every_storm_has_fifty_schedules_and_commits(seed):
    plan = make_plan(seed=seed, seconds=60)

    automations = Counter(schedule.body["automation"] for schedule in plan.schedules)
    assert len(plan.schedules) == 50
    assert automations[ONE_PAGE] > 40
    assert automations[COMMIT] > 0
    assert COMMIT in {request.body["automation"] for request in plan.requests}
    assert all(60 <= schedule.every_seconds <= 120 for schedule in plan.schedules if not schedule.minutes)


@pytest.mark.parametrize("seed", range(3))
def test_times_counted_by_hand_are_those_the_product_plans(seed):
    until = BEGAN_AT + timedelta(minutes=30)

    for schedule in make_plan(seed=seed, seconds=600).schedules:
        body = schedule.rule(BEGAN_AT)
        body["anchor_at"] = datetime.fromisoformat(body["anchor_at"]) if "anchor_at" in body else None
        planned = fire_times.between(TimeRule(time_zone="UTC", **body), BEGAN_AT, until)

        assert schedule.times(BEGAN_AT, until) == list(planned)
