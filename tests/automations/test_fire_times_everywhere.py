"""Fire times against a walk that looks at the clock every minute: every zone, every change of clocks from 2015 to 2029."""

from __future__ import annotations

import random
from datetime import timedelta
from itertools import takewhile
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

import pytest

from automations import fire_times
from automations.fire_times import TimeRule
from tests.support.minute_walk import MINUTE, changes, fires, looks, zones_with_different_clocks

if TYPE_CHECKING:
    from datetime import datetime

AROUND = timedelta(hours=48)
EXPRESSIONS = (
    "* * * * *",
    "*/15 * * * *",
    "7 * * * *",
    "30 2 * * *",
    "0 0 * * *",
    "0,30 0-3 * * *",
    "59 23 * * *",
    "*/20 0 * * *",
    "*/10 5 * * *",
    "0 */2 * * *",
    "45 */3 * * *",
    "15 1 * * 1-5",
    "5 2 * * 0",
    "0 1 L * *",
    "20 2 * * 0L",
    "40 1 * * 0#2",
    "10 3 1-7 * 0",
    "0 12 * 3,4,10,11 *",
    "3-59/7 1,2,3 * * *",
    "0 2 29 2 *",
)
CHOICES = [
    (gap, repeated) for gap in ("as_cron", "skip", "after") for repeated in ("as_cron", "first", "both")
]
HARD = (
    "Europe/Berlin",
    "Australia/Lord_Howe",  # half an hour
    "Antarctica/Troll",  # two hours
    "America/Sao_Paulo",  # midnight never comes
    "Africa/Casablanca",  # back for one month of each year
    "Asia/Pyongyang",  # a new standard time
    "Asia/Gaza",
)
SAMPLE_SEED = 20261122


def disagreements(name: str, around: datetime, choices: list[tuple[str, str]]) -> list[str]:
    """The expressions and choices for which the two ways differ within 48 hours of a change of clocks."""
    begin, end = around - AROUND, around + AROUND
    seen = looks(ZoneInfo(name), begin, end)
    found = []
    for cron in EXPRESSIONS:
        for gap, repeated in choices:
            rule = TimeRule(kind="cron", cron=cron, time_zone=name, gap=gap, repeated=repeated)
            later = fire_times.after(rule, begin - MINUTE)
            mine = list(takewhile(lambda fire_at: fire_at < end, later))
            if mine != fires(cron, seen, gap=gap, repeated=repeated):
                found.append(f"{name} at {around}: {cron} gap={gap} repeated={repeated}")
    return found


def test_fire_times_agree_with_a_walk_on_a_sample_of_changes() -> None:
    chance = random.Random(SAMPLE_SEED)
    zones = {name: changes(name) for name in (*HARD, *chance.sample(sorted(available_timezones()), 16))}
    sampled = [(name, chance.choice(known)[0]) for name, known in zones.items() if known]

    found = [disagreements(name, at, chance.sample(CHOICES, 2)) for name, at in sampled]

    assert len(sampled) > len(HARD)
    assert [line for lines in found for line in lines] == []


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_fire_times_agree_with_a_walk_in_every_zone_around_every_change() -> None:
    checked, found = 0, []
    for name in zones_with_different_clocks():
        for number, (at, _) in enumerate(changes(name)):
            found += disagreements(name, at, [CHOICES[0], CHOICES[1 + number % 8]])
            checked += 1

    assert found == []
    assert checked > 1000


def test_the_iteration_may_begin_at_any_minute_around_a_change() -> None:
    name = "Australia/Lord_Howe"
    rule = TimeRule(kind="cron", cron="*/10 * * * *", time_zone=name, gap="after", repeated="both")
    at = changes(name)[0][0]
    whole = list(takewhile(lambda fire_at: fire_at < at + AROUND, fire_times.after(rule, at - AROUND)))

    for number in range(-200, 200):
        moment = at + MINUTE * number
        assert fire_times.next_after(rule, moment) == next(time for time in whole if time > moment)
