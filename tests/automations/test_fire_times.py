"""When a schedule fires, above all around the nights the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automations import fire_times
from automations.fire_times import TimeRule, TimeRuleError

ANCHOR = datetime(2026, 1, 1, tzinfo=UTC)


def _cron(expression: str, zone: str = "Europe/Berlin") -> TimeRule:
    return TimeRule(kind="cron", cron=expression, time_zone=zone)


def _interval(seconds: int) -> TimeRule:
    return TimeRule(kind="interval", every_seconds=seconds, anchor_at=ANCHOR)


def test_a_fixed_time_in_the_repeated_hour_fires_once() -> None:
    evening = datetime(2026, 10, 24, 12, tzinfo=UTC)

    nights = list(islice(fire_times.after(_cron("30 2 * * *"), evening), 2))

    assert nights == [datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 26, 1, 30, tzinfo=UTC)]


def test_a_fixed_time_in_the_gap_fires_once_right_after_it() -> None:
    evening = datetime(2026, 3, 28, 12, tzinfo=UTC)

    nights = list(islice(fire_times.after(_cron("30 2 * * *"), evening), 2))

    assert nights == [datetime(2026, 3, 29, 1, 0, tzinfo=UTC), datetime(2026, 3, 30, 0, 30, tzinfo=UTC)]


def test_an_hourly_rule_fires_in_each_of_the_repeated_hours() -> None:
    before = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)

    hours = list(islice(fire_times.after(_cron("0 * * * *"), before), 3))

    assert [later - earlier for earlier, later in pairwise(hours)] == [timedelta(hours=1)] * 2


@given(seconds=st.integers(5, 10**7), offset=st.integers(-(10**8), 10**9))
def test_an_interval_keeps_to_its_anchor(seconds: int, offset: int) -> None:
    moment = ANCHOR + timedelta(seconds=offset)

    first = fire_times.next_after(_interval(seconds), moment)

    assert first is not None
    assert first > moment
    assert (first - ANCHOR) % timedelta(seconds=seconds) == timedelta(0)
    assert first - moment <= timedelta(seconds=seconds) or first == ANCHOR


def test_the_preview_is_in_the_schedule_s_own_time_zone() -> None:
    first, second = fire_times.preview(_cron("30 6 * * *", "Asia/Tokyo"), ANCHOR, 2)

    assert (first.hour, first.minute, first.utcoffset()) == (6, 30, timedelta(hours=9))
    assert second - first == timedelta(days=1)


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        (_cron("61 * * * *"), "cron"),
        (_cron("0 0 31 2 *"), "cron"),
        (_cron("0 0 * * *", "Mars/Olympus"), "time_zone"),
        (_interval(1), "every_seconds"),
        (TimeRule(kind="interval", every_seconds=60), "anchor_at"),
        (TimeRule(kind="moon"), "kind"),
    ],
)
def test_a_rule_that_can_never_fire_names_the_wrong_field(rule: TimeRule, field: str) -> None:
    with pytest.raises(TimeRuleError) as caught:
        fire_times.check(rule)

    assert caught.value.field == field


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (_cron("30 6 * * 1-5"), "At 06:30, Monday through Friday (Europe/Berlin)"),
        (_interval(900), "Every 15 minutes"),
        (_interval(3600), "Every hour"),
        (_interval(61), "Every 61 seconds"),
    ],
)
def test_a_rule_is_said_in_words(rule: TimeRule, words: str) -> None:
    assert fire_times.in_words(rule) == words
