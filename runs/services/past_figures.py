"""The figures of runs that are written in bulk, as `runs.rollups` would have written them one by one."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runs.durations import bucket, merged
from runs.families import digest, normalised
from runs.models import AutomationHealth, FailureFamily, HourFigures
from runs.rollups import RECENT
from runs.states import FAILED_RUNS, TERMINAL_RUNS, RunState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runs.models import Run
    from runs.services.past_runs import PastRun

Pair = tuple["Run", "PastRun"]


@dataclass
class _Hour:
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    seconds: list[float] = field(default_factory=list)


def add(pairs: Sequence[Pair]) -> None:
    """Add a batch of past runs, in order of time, to the figures. Part of the caller's transaction."""
    ended = sorted(
        (pair for pair in pairs if pair[0].state in TERMINAL_RUNS), key=lambda pair: pair[1].ended_at
    )
    _add_hours(ended)
    _add_health(ended)
    _add_families([pair for pair in ended if pair[0].state in FAILED_RUNS])


def _add_hours(pairs: Sequence[Pair]) -> None:
    hours: dict[tuple[Any, int, int], _Hour] = defaultdict(_Hour)
    for run, past in pairs:
        hour = past.ended_at.replace(minute=0, second=0, microsecond=0)
        sums = hours[hour, run.automation_id, run.customer_id]
        if run.state == RunState.SUCCEEDED:
            sums.succeeded += 1
            sums.seconds.append(past.took.total_seconds())
        elif run.state in FAILED_RUNS:
            sums.failed += 1
        else:
            sums.cancelled += 1
    for (hour, automation_id, customer_id), sums in sorted(hours.items()):
        row, _ = HourFigures.objects.get_or_create(
            hour=hour, automation_id=automation_id, customer_id=customer_id
        )
        row.succeeded += sums.succeeded
        row.failed += sums.failed
        row.cancelled += sums.cancelled
        row.seconds_total += sum(sums.seconds)
        new: dict[str, int] = defaultdict(int)
        for seconds in sums.seconds:
            new[str(bucket(seconds))] += 1
        histogram = merged([row.seconds_histogram, new])
        row.seconds_histogram = {str(number): count for number, count in histogram.items()}
        row.save()


def _add_health(pairs: Sequence[Pair]) -> None:
    for automation_id, customer_id in sorted({(run.automation_id, run.customer_id) for run, _ in pairs}):
        mine = [
            pair
            for pair in pairs
            if (pair[0].automation_id, pair[0].customer_id) == (automation_id, customer_id)
        ]
        row, _ = AutomationHealth.objects.get_or_create(
            automation_id=automation_id,
            customer_id=customer_id,
            defaults={"updated_at": mine[-1][1].ended_at},
        )
        for run, past in mine:
            end = {"run": str(run.pk), "state": run.state, "seconds": past.took.total_seconds()}
            row.recent = [end, *row.recent][:RECENT]
            if run.state == RunState.SUCCEEDED:
                row.failing_streak, row.last_success = 0, run
            elif run.state in FAILED_RUNS:
                row.failing_streak += 1
        row.updated_at = mine[-1][1].ended_at
        row.save()


def _add_families(pairs: Sequence[Pair]) -> None:
    for run, past in pairs:
        message = normalised(run.failure_message)
        family, _ = FailureFamily.objects.get_or_create(
            automation_id=run.automation_id,
            customer_id=run.customer_id,
            stage=run.failed_stage,
            failure_kind=run.failure_kind,
            digest=digest(message),
            defaults={
                "message": message,
                "first_seen_at": past.ended_at,
                "last_seen_at": past.ended_at,
            },
        )
        family.count += 1
        family.first_seen_at = min(family.first_seen_at, past.ended_at)
        if past.ended_at >= family.last_seen_at:
            family.last_seen_at, family.last_run = past.ended_at, run
        family.save()
