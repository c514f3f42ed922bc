"""Whatever breaks is counted, each under its own name."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from benchmarks._chaos.audit import Truth, violations
from benchmarks._chaos.ledger import AttemptRow, Ledger, OccurrenceRow, RunRow
from benchmarks._chaos.witness import Note

BEGAN_AT = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
PLANNED_AT = BEGAN_AT + timedelta(minutes=1)
RUN = RunRow(
    id="a1",
    state="succeeded",
    cause_ref="schedule:1:2026-11-23T01:01:00Z",
    max_attempts=3,
    automation="practice-create-invoice",
    customer="Chaos 07",
    commit_unknown=False,
    times_succeeded=1,
)
WAITING = replace(RUN, id="a2", cause_ref="", state="waiting_input", commit_unknown=True, times_succeeded=0)
LOST = AttemptRow("a1", "lost", free=False, failure_kind="worker_lost")
CRASHED = AttemptRow("a1", "failed", free=True, failure_kind="browser_crash")
SOUND = Ledger(
    occurrences=[OccurrenceRow(1, PLANNED_AT, "fired", "a1")],
    runs=[RUN, WAITING],
    attempts=[LOST, CRASHED, LOST, AttemptRow("a1", "succeeded", free=False, failure_kind="")],
    commits=[("a1", "create")],
    slots=["running"],
    notes=[
        Note("runs_attempt", 1, "queued", "running", 0, 1),
        Note("runs_step", 1, "running", "", 1, 1),
        Note("runs_attempt", 1, "running", "succeeded", 1, 1),
    ],
)
TRUTH = Truth(
    due=[(1, PLANNED_AT)],
    began_at=BEGAN_AT,
    until=BEGAN_AT + timedelta(minutes=5),
    accepted={"chaos-1": "a2"},
    invoiced=["Chaos 07"],
)


def count(ledger: Ledger, truth: Truth = TRUTH) -> dict[str, int]:
    return {name: len(lines) for name, lines in violations(ledger, truth).items() if lines}


def test_of_a_sound_ledger_nothing_is_counted():
    assert count(SOUND) == {}


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("duplicate_occurrences", {"occurrences": [*SOUND.occurrences, *SOUND.occurrences]}),
        ("duplicate_occurrences", {"runs": [*SOUND.runs, replace(RUN, id="a3")]}),
        (
            "duplicate_occurrences",
            {
                "occurrences": [
                    *SOUND.occurrences,
                    OccurrenceRow(1, PLANNED_AT + timedelta(1e-4), "missed", ""),
                ]
            },
        ),
        ("missing_occurrences", {"occurrences": []}),
        ("missing_occurrences", {"occurrences": [OccurrenceRow(1, PLANNED_AT, "fired", "nobody")]}),
        ("stuck_runs", {"runs": [replace(RUN, state="running"), WAITING]}),
        ("stuck_runs", {"runs": [RUN, replace(WAITING, commit_unknown=False)]}),
        ("double_commits", {"runs": [replace(RUN, times_succeeded=2), WAITING]}),
        ("double_commits", {"commits": [("a1", "create"), ("a1", "create")]}),
        ("double_commits", {"attempts": [AttemptRow("a1", "succeeded", free=False, failure_kind="")] * 2}),
        ("leaked_slots", {"slots": ["lost"]}),
        ("stale_writes_accepted", {"notes": [Note("runs_step", 1, "lost", "", 1, 1)]}),
        ("stale_writes_accepted", {"notes": [Note("runs_attempt", 1, "lost", "succeeded", 1, 1)]}),
        ("stale_writes_accepted", {"notes": [Note("runs_attempt", 1, "queued", "running", 1, 1)]}),
        ("stale_writes_accepted", {"notes": [Note("runs_run", None, "failed", "succeeded", 0, 0)]}),
        ("attempts_over_max", {"attempts": [*SOUND.attempts, LOST]}),
        ("attempts_over_max", {"attempts": [replace(LOST, free=True)] * 4}),
    ],
)
def test_each_breach_is_counted_once(name, broken: dict[str, Any]):
    assert count(replace(SOUND, **broken)) == {name: 1}


def test_the_sites_truth_counts_invoices_nobody_owns_up_to():
    assert count(SOUND, replace(TRUTH, invoiced=["Chaos 07", "Chaos 07"])) == {"double_commits": 1}
    assert count(SOUND, replace(TRUTH, invoiced=[])) == {"commits_without_invoice": 1}


def test_a_request_that_was_accepted_and_has_no_run_is_stuck():
    assert count(SOUND, replace(TRUTH, accepted={"chaos-1": "gone"})) == {"stuck_runs": 1}
