"""What must hold after the storm, counted from values: pure functions that a test can hand a broken ledger."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks._chaos import witness

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from benchmarks._chaos.ledger import AttemptRow, Ledger

PlannedTime = tuple[int, "datetime"]
FREE_KINDS = ("browser_crash", "cancelled")
"""What an attempt that does not count may have ended with: it went with a shared browser, or its node left at once."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known without asking the product.

    Attributes:
        due: every planned time that passed, as schedule and moment.
        began_at: times before this moment belong to the making of the schedules and are not counted.
        until: nor are times after this one, when the schedules were being paused.
        accepted: the runs whose request the API accepted.
        invoiced: whom the practice site made an invoice for, once for each invoice.
    """

    due: Collection[PlannedTime]
    began_at: datetime
    until: datetime
    accepted: Mapping[str, str]
    invoiced: Sequence[str]


def violations(ledger: Ledger, truth: Truth) -> dict[str, list[str]]:
    """For each thing that must be zero, one line for each time that it was not."""
    return {
        "duplicate_occurrences": _duplicates(ledger, truth),
        "missing_occurrences": _missing(ledger, truth),
        "stuck_runs": _stuck(ledger, truth),
        "double_commits": _double_commits(ledger, truth),
        "commits_without_invoice": _without_invoice(ledger, truth),
        "stale_writes_accepted": [str(note) for note in witness.stale(ledger.notes)],
        "leaked_slots": [
            f"held by an attempt that is {state}" for state in ledger.slots if state != "running"
        ],
        "attempts_over_max": _over_max(ledger),
    }


def _duplicates(ledger: Ledger, truth: Truth) -> list[str]:
    """A second row or run for one planned time, or a row for a time nobody planned."""
    times = Counter((row.schedule_id, row.fire_at) for row in ledger.occurrences)
    causes = Counter(run.cause_ref for run in ledger.runs if run.cause_ref.startswith("schedule:"))
    again = [f"{count} of {key}" for counts in (times, causes) for key, count in counts.items() if count > 1]
    due = set(truth.due)
    unplanned = [
        f"nobody planned {schedule_id} at {fire_at}"
        for schedule_id, fire_at in times
        if truth.began_at < fire_at <= truth.until and (schedule_id, fire_at) not in due
    ]
    return again + unplanned


def _missing(ledger: Ledger, truth: Truth) -> list[str]:
    """A planned time that passed without a row, or a row that fired without its run."""
    times = {(row.schedule_id, row.fire_at) for row in ledger.occurrences}
    known = {run.id for run in ledger.runs}
    without_row = [
        f"schedule {schedule_id} at {fire_at}" for schedule_id, fire_at in sorted(set(truth.due) - times)
    ]
    without_run = [
        f"{row} has no run" for row in ledger.occurrences if row.state == "fired" and row.run_id not in known
    ]
    return without_row + without_run


def _stuck(ledger: Ledger, truth: Truth) -> list[str]:
    """A run that neither ended nor waits for a person for a good reason, or that was accepted and is not there."""
    known = {run.id for run in ledger.runs}
    lost = [
        f"request {key} was accepted and has no run"
        for key, run in truth.accepted.items()
        if run not in known
    ]
    return lost + [f"{run.automation} {run.id} is {run.state}" for run in ledger.runs if not run.is_settled]


def _double_commits(ledger: Ledger, truth: Truth) -> list[str]:
    """Two invoices for one run, or a run that succeeded or committed one thing twice."""
    succeeded = Counter(row.run_id for row in ledger.attempts if row.state == "succeeded")
    ended_well = {run.id: run.times_succeeded for run in ledger.runs}
    return [
        f"{count} times {what}"
        for what, count in [
            *Counter(truth.invoiced).items(),
            *succeeded.items(),
            *ended_well.items(),
            *Counter(ledger.commits).items(),
        ]
        if count > 1
    ]


def _without_invoice(ledger: Ledger, truth: Truth) -> list[str]:
    """A run that says it made its invoice, of which the site knows nothing."""
    made = set(truth.invoiced)
    return [
        f"run {run.id} for {run.customer!r}"
        for run in ledger.runs
        if run.customer and run.state == "succeeded" and run.customer not in made
    ]


def _over_max(ledger: Ledger) -> list[str]:
    most = {run.id: run.max_attempts for run in ledger.runs}
    made = Counter(row.run_id for row in ledger.attempts if _counts(row))
    return [f"run {run} made {count} of {most[run]}" for run, count in made.items() if count > most[run]]


def _counts(attempt: AttemptRow) -> bool:
    """Whether an attempt spends one of its run's; that it was free is believed only of ends that may be."""
    if attempt.state in ("queued", "parked"):
        return False
    never_began = attempt.state == "cancelled" and not attempt.failure_kind
    return not never_began and not (attempt.free and attempt.failure_kind in FREE_KINDS)
