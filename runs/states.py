"""Where a run and an attempt can be in their lives, and which moves are legal.

The two tables below are the only place that knows the moves; `runs.lifecycle` is the only writer. Terminal is final.
"""

from __future__ import annotations

from django.db.models import TextChoices


class RunState(TextChoices):
    """Where a run is in its life."""

    SCHEDULED = "scheduled", "Scheduled"
    QUEUED = "queued", "Queued"
    WAITING_SLOT = "waiting_slot", "Waiting for a slot"
    RUNNING = "running", "Running"
    RETRY_WAIT = "retry_wait", "Waiting to retry"
    WAITING_INPUT = "waiting_input", "Needs a person"
    CANCELLING = "cancelling", "Cancelling"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    TIMED_OUT = "timed_out", "Timed out"
    CANCELLED = "cancelled", "Cancelled"
    EXPIRED = "expired", "Expired"


class AttemptState(TextChoices):
    """Where an attempt is in its life."""

    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    TIMED_OUT = "timed_out", "Timed out"
    LOST = "lost", "Lost"
    CANCELLED = "cancelled", "Cancelled"
    PARKED = "parked", "Parked"


class Cause(TextChoices):
    """Why a run exists."""

    SCHEDULE = "schedule", "Schedule"
    EVENT = "event", "Event"
    API = "api", "API"
    OPERATOR = "operator", "Operator"
    COMMAND = "command", "Command"
    RERUN = "rerun", "Rerun"
    IMPORT = "import", "Import"


R, A = RunState, AttemptState

RUN_MOVES: dict[RunState, frozenset[RunState]] = {
    R.SCHEDULED: frozenset({R.QUEUED, R.WAITING_SLOT, R.CANCELLED, R.EXPIRED}),
    R.QUEUED: frozenset({R.RUNNING, R.WAITING_SLOT, R.CANCELLED, R.EXPIRED}),
    R.WAITING_SLOT: frozenset({R.QUEUED, R.CANCELLED, R.EXPIRED}),
    R.RUNNING: frozenset(
        {
            R.SUCCEEDED,
            R.FAILED,
            R.TIMED_OUT,
            R.RETRY_WAIT,
            R.WAITING_INPUT,
            R.CANCELLING,
        }
    ),
    R.RETRY_WAIT: frozenset({R.QUEUED, R.WAITING_SLOT, R.CANCELLED, R.EXPIRED, R.TIMED_OUT}),
    R.WAITING_INPUT: frozenset(
        {
            R.RETRY_WAIT,
            R.RUNNING,
            R.SUCCEEDED,
            R.FAILED,
            R.CANCELLING,
            R.CANCELLED,
            R.TIMED_OUT,
        }
    ),
    R.CANCELLING: frozenset({R.CANCELLED, R.SUCCEEDED, R.FAILED, R.TIMED_OUT, R.WAITING_INPUT}),
    R.SUCCEEDED: frozenset(),
    R.FAILED: frozenset(),
    R.TIMED_OUT: frozenset(),
    R.CANCELLED: frozenset(),
    R.EXPIRED: frozenset(),
}
ATTEMPT_MOVES: dict[AttemptState, frozenset[AttemptState]] = {
    A.QUEUED: frozenset({A.RUNNING, A.CANCELLED, A.TIMED_OUT}),
    A.RUNNING: frozenset({A.SUCCEEDED, A.FAILED, A.TIMED_OUT, A.LOST, A.CANCELLED, A.PARKED}),
    A.SUCCEEDED: frozenset(),
    A.FAILED: frozenset(),
    A.TIMED_OUT: frozenset(),
    A.LOST: frozenset(),
    A.CANCELLED: frozenset(),
    A.PARKED: frozenset(),
}
TERMINAL_RUNS = frozenset(state for state, moves in RUN_MOVES.items() if not moves)
TERMINAL_ATTEMPTS = frozenset(state for state, moves in ATTEMPT_MOVES.items() if not moves)
FAILED_RUNS = frozenset({R.FAILED, R.TIMED_OUT, R.EXPIRED})
"""What counts as a failure wherever failures are counted; cancelled counts neither way."""
WAITING_RUNS = frozenset({R.SCHEDULED, R.QUEUED, R.WAITING_SLOT, R.RETRY_WAIT})
"""Runs whose next attempt has not been claimed yet."""


class IllegalMoveError(ValueError):
    """A state change that no table allows: a mistake in the code, never a lost race."""
