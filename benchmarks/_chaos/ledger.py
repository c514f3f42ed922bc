"""What the database holds when all is quiet, read by plain SQL into values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from benchmarks._chaos import witness

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks._chaos.database import Database
    from benchmarks._chaos.witness import Note

ENDED = ("succeeded", "failed", "timed_out", "cancelled", "expired")
_ENDED_SQL = ", ".join(f"'{state}'" for state in ENDED)
_UNDECIDED = "EXISTS (SELECT 1 FROM runs_commitguard g WHERE g.run_id = r.id AND g.outcome = 'undecided')"
UNSETTLED = (
    f"SELECT count(*) FROM runs_run r WHERE r.state NOT IN ({_ENDED_SQL}) "
    f"AND NOT (r.state = 'waiting_input' AND {_UNDECIDED})"
)


@dataclass(frozen=True, slots=True)
class OccurrenceRow:
    """One row of the ledger of planned times."""

    schedule_id: int
    fire_at: datetime
    state: str
    run_id: str


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run, with whether one of its commits is of unknown end."""

    id: str
    state: str
    cause_ref: str
    max_attempts: int
    automation: str
    customer: str
    commit_unknown: bool
    times_succeeded: int

    @property
    def is_settled(self) -> bool:
        """Whether it ended, or rightly waits for a person."""
        return self.state in ENDED or (self.state == "waiting_input" and self.commit_unknown)


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One attempt."""

    run_id: str
    state: str
    free: bool
    failure_kind: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """Everything that is counted.

    Attributes:
        commits: for each commit that is said to have happened, its run and stage.
        slots: for each slot that is held, the state of the attempt that holds it.
        notes: what the witness saw.
    """

    occurrences: Sequence[OccurrenceRow]
    runs: Sequence[RunRow]
    attempts: Sequence[AttemptRow]
    commits: Sequence[tuple[str, str]]
    slots: Sequence[str]
    notes: Sequence[Note]


def read(database: Database) -> Ledger:
    """The ledger as it is now."""
    return Ledger(
        occurrences=_occurrences(database),
        runs=_runs(database),
        attempts=[
            AttemptRow(_id(run_id), state, bool(free), kind)
            for run_id, state, free, kind in database.rows(
                "SELECT run_id, state, free, failure_kind FROM runs_attempt"
            )
        ],
        commits=[
            (_id(run_id), stage)
            for run_id, stage in database.rows(
                "SELECT run_id, stage FROM runs_commitguard WHERE outcome = 'happened'"
            )
        ],
        slots=[
            state
            for (state,) in database.rows(
                "SELECT a.state FROM runs_slot s JOIN runs_attempt a ON a.id = s.attempt_id"
            )
        ],
        notes=witness.notes(database),
    )


def _occurrences(database: Database) -> list[OccurrenceRow]:
    return [
        OccurrenceRow(schedule_id, _moment(fire_at), state, _id(run_id))
        for schedule_id, fire_at, state, run_id in database.rows(
            "SELECT schedule_id, fire_at, state, run_id FROM runs_occurrence"
        )
    ]


def _runs(database: Database) -> list[RunRow]:
    rows = database.rows(
        f"SELECT r.id, r.state, r.cause_ref, r.max_attempts, a.key, r.params, {_UNDECIDED}, "
        "(SELECT count(*) FROM runs_transition t WHERE t.run_id = r.id AND t.attempt_id IS NULL "
        "AND t.to_state = 'succeeded') "
        "FROM runs_run r JOIN automations_automation a ON a.id = r.automation_id"
    )
    return [
        RunRow(
            _id(run_id),
            state,
            cause,
            most,
            key,
            _json(params).get("customer", ""),
            bool(unknown),
            int(succeeded),
        )
        for run_id, state, cause, most, key, params, unknown, succeeded in rows
    ]


def _id(value: Any) -> str:
    """A key in one spelling: PostgreSQL gives a UUID, SQLite its digits."""
    return "" if value is None else str(value).replace("-", "")


def _moment(value: Any) -> datetime:
    """A moment in UTC: PostgreSQL gives an aware one, SQLite text."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return datetime.fromisoformat(value).replace(tzinfo=UTC)


def _json(value: Any) -> dict[str, Any]:
    return dict(json.loads(value) if isinstance(value, str) else value)
