"""Params that name the planned time, and the offset by which a schedule is spread."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automations import fire_times
from automations.fire_times import TemplateError, TimeRule

BERLIN = ZoneInfo("Europe/Berlin")
MORNING = datetime(2027, 3, 1, 5, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "filled"),
    [
        ("{{ fire_at:%Y-%m-%d }}", "2027-03-01"),
        ("{{fire_at}}", "2027-03-01T06:30:00+01:00"),
        ("{{ fire_at - 1 day:%d.%m.%Y }}", "28.02.2027"),
        ("{{ fire_at + 2 hours:%H:%M }}", "08:30"),
        ("from {{ fire_at - 1 week:%j }} to {{ fire_at:%j }}", "from 053 to 060"),
        ({"a": ["{{ fire_at:%Y }}", 7]}, {"a": ["2027", 7]}),
        ("{{ name }} stays", "{{ name }} stays"),
    ],
)
def test_the_planned_time_is_filled_in(written: Any, filled: Any) -> None:
    assert fire_times.fill_in(written, MORNING, BERLIN) == filled


def test_yesterday_is_a_day_of_the_calendar_also_when_clocks_change() -> None:
    after_the_change = datetime(2027, 3, 28, 22, 15, tzinfo=UTC)  # 00:15 of the 29th in Berlin

    filled = fire_times.fill_in("{{ fire_at - 1 day:%d %H:%M }}", after_the_change, BERLIN)

    assert filled == "28 00:15"


@pytest.mark.parametrize(
    "wrong",
    [
        "{{ fire_at:%Q }}",
        "{{ fire_at.year }}",
        "{{ fire_at - day }}",
        "{{ Fire_At }}",
        "{{ fire_at",
        "{{ fire_at.__class__ }}",
        "{{ fire_at:%Y%",
    ],
)
def test_what_cannot_be_understood_is_refused_and_not_left_standing(wrong: str) -> None:
    assert fire_times.uses_fire_at({"a": [wrong]})
    with pytest.raises(TemplateError):
        fire_times.fill_in(wrong, MORNING, BERLIN)


@given(key=st.integers(1, 10**9).map(str), window=st.integers(1, 86_400))
def test_an_offset_lies_in_its_window_and_is_always_the_same(key: str, window: int) -> None:
    offset = fire_times.offset(key, window)

    assert timedelta(0) <= offset < timedelta(seconds=window)
    assert offset == fire_times.offset(key, window)


def test_many_schedules_are_spread_over_the_whole_window() -> None:
    minutes = {fire_times.offset(str(key), 900) // timedelta(minutes=1) for key in range(300)}

    assert minutes == set(range(15))


def test_the_next_changes_of_clocks_name_the_times_they_touch() -> None:
    rule = TimeRule(kind="cron", cron="30 2 * * *", time_zone="Europe/Berlin", gap="skip", repeated="both")

    spring, autumn = fire_times.next_clock_changes(rule, MORNING)

    assert [planned.mark for planned in spring.touched] == ["skipped"]
    assert [planned.mark for planned in autumn.touched] == ["first_of_two", "second_of_two"]
    assert (f"{autumn.was:%H:%M}", f"{autumn.at:%H:%M}") == ("03:00", "02:00")
    assert fire_times.next_clock_changes(TimeRule(kind="cron", cron="0 0 * * *"), MORNING) == []


def test_a_very_large_shift_is_refused_rather_than_leaving_the_calendar() -> None:
    with pytest.raises(TemplateError):
        fire_times.fill_in("{{ fire_at - 99999 weeks }}", MORNING, BERLIN)
