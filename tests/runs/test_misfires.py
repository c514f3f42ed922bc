"""What becomes of planned times that have passed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from runs.misfires import ALL, LATEST, SKIP, Fate, Lateness, judge

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def fates(*minutes_late: float, policy: str, limit: int = 10) -> str:
    """The fates of times so many minutes late with a grace of one minute, by their first letters."""
    passed = [NOW - timedelta(minutes=late) for late in minutes_late]
    lateness = Lateness(policy=policy, grace=timedelta(minutes=1), limit=limit)
    return "".join(verdict.fate[0] for verdict in judge(passed, due_by=NOW, lateness=lateness))


def test_within_its_grace_a_late_time_fires_whatever_the_policy() -> None:
    assert [fates(1, 0.5, policy=policy) for policy in (SKIP, LATEST, ALL)] == ["ff", "ff", "ff"]


def test_skip_misses_what_is_later_than_the_grace() -> None:
    assert fates(30, 2, 0.5, policy=SKIP) == "mmf"


def test_latest_fires_one_for_all() -> None:
    assert fates(30, 20, 10, policy=LATEST) == "ccf"


def test_a_time_that_is_just_late_stands_for_the_misfires() -> None:
    assert fates(30, 20, 0.5, policy=LATEST) == "ccf"


def test_all_fires_the_last_ones_up_to_its_limit() -> None:
    assert fates(40, 30, 20, 10, 0.5, policy=ALL, limit=3) == "mffff"


@given(
    late=st.lists(st.floats(0, 500), max_size=40),
    policy=st.sampled_from([SKIP, LATEST, ALL]),
    limit=st.integers(1, 20),
)
def test_every_time_gets_one_verdict_in_its_order_and_the_limits_hold(
    late: list[float], policy: str, limit: int
) -> None:
    passed = sorted({NOW - timedelta(minutes=minutes) for minutes in late})
    grace = timedelta(minutes=1)

    verdicts = list(judge(passed, due_by=NOW, lateness=Lateness(policy=policy, grace=grace, limit=limit)))

    assert [verdict.fire_at for verdict in verdicts] == passed
    assert all(verdict.reason for verdict in verdicts if verdict.fate is not Fate.FIRE)
    fired_too_late = [v for v in verdicts if v.fate is Fate.FIRE and NOW - v.fire_at > grace]
    assert len(fired_too_late) <= {SKIP: 0, LATEST: 1, ALL: limit}[policy]
