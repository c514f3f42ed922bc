"""Figures beside a run's end: exact, and written for every way to end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs import durations
from runs.families import normalised
from runs.models import AutomationHealth, FailureFamily, HourFigures, Run
from runs.services import dispatching, outcomes
from runs.services.cancelling import cancel_run
from runs.services.reruns import rerun
from tests.support import sample
from webgraph.errors import FailureKind

if TYPE_CHECKING:
    from automations.models import AutomationVersion


def _fail(version: AutomationVersion, message: str) -> Run:
    run, claim = sample.claimed_run(version)
    failure = outcomes.Failure(kind=FailureKind.TARGET_NOT_FOUND, message=message, permanent=True)
    outcomes.finish_failed(claim=claim, failure=failure)
    return Run.objects.get(pk=run.pk)


def _succeed(version: AutomationVersion) -> Run:
    run, claim = sample.claimed_run(version)
    outcomes.finish_succeeded(claim=claim, result=None)
    return Run.objects.get(pk=run.pk)


def test_every_end_is_counted_in_its_hour(version: AutomationVersion) -> None:
    _succeed(version)
    _fail(version, "No button.")
    cancel_run(run=sample.ask(), actor="operator:anna")

    figures = HourFigures.objects.get()
    assert (figures.succeeded, figures.failed, figures.cancelled) == (1, 1, 1)
    assert sum(figures.seconds_histogram.values()) == 1


def test_health_knows_the_streak_and_the_last_success(version: AutomationVersion) -> None:
    good = _succeed(version)
    _fail(version, "No button.")
    _fail(version, "No button.")

    health = AutomationHealth.objects.get()
    assert (health.failing_streak, health.last_success) == (2, good)
    assert [end["state"] for end in health.recent] == ["failed", "failed", "succeeded"]


def test_failures_that_look_alike_are_one_family(version: AutomationVersion) -> None:
    _fail(version, "Row 12 of http://shop.example/a?x=1 was not found.")
    last = _fail(version, "Row 7 of http://shop.example/b was not found.")
    _fail(version, "The door is locked.")

    counts = list(FailureFamily.objects.order_by("-count").values_list("count", "message"))
    assert counts == [(2, "Row # of <address> was not found."), (1, "The door is locked.")]
    assert FailureFamily.objects.get(count=2).last_run == last


def test_a_rerun_that_succeeds_closes_the_failures_before_it(version: AutomationVersion) -> None:
    first = _fail(version, "No button.")
    second = rerun(run=first, origin=sample.OPERATOR).run
    process = sample.start_process(version, pid=9)
    dispatching.dispatch_due_attempts()
    claim = sample.claim(second, process)
    assert claim is not None
    outcomes.finish_succeeded(claim=claim, result=None)

    first.refresh_from_db()
    assert not first.is_open_failure
    assert first.resolved_by == "rerun"


@given(st.floats(0.001, 10**6))
def test_a_duration_lies_below_its_bucket_s_upper_bound(seconds: float) -> None:
    number = durations.bucket(seconds)

    assert seconds < durations.upper_bound(number) * (1 + 1e-9)
    assert number == 0 or seconds >= durations.upper_bound(number - 1) * (1 - 1e-9)


def test_percentiles_come_from_merged_histograms() -> None:
    histogram = durations.merged([{"0": 50}, {"8": 45, "20": 5}])

    assert durations.percentile(histogram, 0.5) == 1.0
    assert durations.percentile(histogram, 0.95) == 4.0
    assert durations.percentile(histogram, 0.99) == 32.0
    assert durations.percentile({}, 0.5) is None


@pytest.mark.parametrize(
    ("message", "same_as"),
    [
        ("Waited 15.0 s", "Waited 7 s"),
        ("run 01a204d2-7550-70b1-9d0c-3d4aa149935b", "run 01a204d2-a425-754c-8730-73aa1493f102"),
        ("at https://a.example/1", "at https://b.example/2?q=3"),
    ],
)
def test_what_differs_from_run_to_run_is_normalised(message: str, same_as: str) -> None:
    assert normalised(message) == normalised(same_as)
