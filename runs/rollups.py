"""What is written beside a run's end: figures of the hour, health of the automation, family of the failure.

And what is kept no longer: open questions, answers, and after a success the checkpoints.

`runs.lifecycle` calls `note_end` in the transaction that ends the run, so the figures are exact and no run is
forgotten; the rows are locked, one after the other in a fixed order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import F

from runs.durations import bucket
from runs.families import digest, normalised
from runs.models import AutomationHealth, Checkpoint, FailureFamily, HourFigures, Question, Run
from runs.states import FAILED_RUNS, RunState

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

RECENT = 20


def note_end(run: Run, now: datetime) -> None:
    """Count a run that has just reached a terminal state. Part of the caller's transaction."""
    _forget(run, now)
    _note_hour(run, now)
    _note_health(run, now)
    if run.state in FAILED_RUNS:
        _note_family(run, now)
    if run.state == RunState.SUCCEEDED:
        _close_mended_failures(run, now)


def _forget(run: Run, now: datetime) -> None:
    """Erase what only another attempt could need; what a rerun may begin with stays a while after a failure."""
    Question.objects.open().filter(run=run).update(closed_at=now)
    Question.objects.filter(run=run, answer__isnull=False).update(answer=None)
    if run.state == RunState.SUCCEEDED:
        Checkpoint.objects.filter(run=run).delete()


def _note_hour(run: Run, now: datetime) -> None:
    key: dict[str, Any] = {
        "hour": now.replace(minute=0, second=0, microsecond=0),
        "automation_id": run.automation_id,
        "customer_id": run.customer_id,
    }
    HourFigures.objects.get_or_create(**key)
    row = HourFigures.objects.select_for_update().get(**key)
    if run.state == RunState.SUCCEEDED:
        row.succeeded += 1
        seconds = _seconds(run)
        if seconds is not None:
            row.seconds_total += seconds
            name = str(bucket(seconds))
            row.seconds_histogram[name] = row.seconds_histogram.get(name, 0) + 1
    elif run.state in FAILED_RUNS:
        row.failed += 1
    else:
        row.cancelled += 1
    row.save()


def _note_health(run: Run, now: datetime) -> None:
    key: dict[str, Any] = {"automation_id": run.automation_id, "customer_id": run.customer_id}
    AutomationHealth.objects.get_or_create(**key, defaults={"updated_at": now})
    row = AutomationHealth.objects.select_for_update().get(**key)
    end = {"run": str(run.pk), "state": run.state, "seconds": _seconds(run)}
    row.recent = [end, *row.recent][:RECENT]
    row.updated_at = now
    if run.state == RunState.SUCCEEDED:
        row.failing_streak, row.last_success = 0, run
    elif run.state in FAILED_RUNS:
        row.failing_streak += 1
    row.save()


def _note_family(run: Run, now: datetime) -> None:
    message = normalised(run.failure_message)
    family, _ = FailureFamily.objects.get_or_create(
        automation_id=run.automation_id,
        customer_id=run.customer_id,
        stage=run.failed_stage,
        failure_kind=run.failure_kind,
        digest=digest(message),
        defaults={"message": message, "first_seen_at": now, "last_seen_at": now},
    )
    changes: dict[str, Any] = {"count": F("count") + 1, "last_seen_at": now, "last_run": run}
    FailureFamily.objects.filter(pk=family.pk).update(**changes)


def _close_mended_failures(run: Run, now: datetime) -> None:
    """A success mends the failures it is a rerun of, directly or through other reruns."""
    earlier_id = run.rerun_of_id
    while earlier_id is not None:
        open_failure = Run.objects.open_failures().filter(pk=earlier_id)
        open_failure.update(
            resolved_at=now, resolved_by="rerun", resolution_note=f"The rerun {run.pk} succeeded."
        )
        earlier_id = Run.objects.values_list("rerun_of_id", flat=True).get(pk=earlier_id)


def _seconds(run: Run) -> float | None:
    duration = run.duration
    return duration.total_seconds() if duration is not None else None
