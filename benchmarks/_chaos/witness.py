"""A witness inside the database: triggers that note each write a fence should guard, with what was true just then.

An attempt is claimed once in its life (its fence goes from 0 to 1, which the notes show as well), so a write with an
old fence is one that was accepted for an attempt that was not running. The reasons of the product's own code play no
part: the triggers see rows alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks._chaos.database import Readable

# What only a worker process writes while it holds an attempt, and of updates the columns that say how it went.
_WRITES = {
    "runs_attemptstage": "INSERT OR UPDATE OF succeeded",
    "runs_step": "INSERT OR UPDATE OF succeeded",
    "runs_artifact": "INSERT",
    "runs_checkpoint": "INSERT OR UPDATE OF content",
}
_ATTEMPT, _RUN = "runs_attempt", "runs_run"
_ENDED_ATTEMPTS = ("succeeded", "failed", "timed_out", "lost", "cancelled", "parked")
_ENDED_RUNS = ("succeeded", "failed", "timed_out", "cancelled", "expired")
_COLUMNS = "what, attempt_id, state, to_state, fence, to_fence"


@dataclass(frozen=True, slots=True)
class Note:
    """One accepted write.

    Attributes:
        what: the table.
        state: the attempt's (or the run's) just before, or while something of it was written.
        to_state: just after, where the row itself moved; else empty.
    """

    what: str
    attempt_id: int | None
    state: str
    to_state: str
    fence: int
    to_fence: int


def install(database: Readable) -> None:
    """Put the triggers in place; the database must be migrated."""
    statements = _postgres() if database.vendor == "postgresql" else _sqlite()
    database.run(*statements)


def notes(database: Readable) -> list[Note]:
    """What was witnessed, in order."""
    return [Note(*row) for row in database.rows(f"SELECT {_COLUMNS} FROM chaos_note ORDER BY id")]


def stale(seen: Iterable[Note]) -> list[Note]:
    """The writes that no fence may have let through."""
    return [note for note in seen if _is_stale(note)]


def _is_stale(note: Note) -> bool:
    if note.what == _RUN:
        return True  # noted only where a run that had ended was changed
    if note.what != _ATTEMPT:
        return note.state != "running"
    is_claim = (note.state, note.to_state) == ("queued", "running")
    return note.state in _ENDED_ATTEMPTS or note.to_fence != note.fence + is_claim


def _sqlite() -> list[str]:
    table = (
        "CREATE TABLE chaos_note (id INTEGER PRIMARY KEY, what TEXT, attempt_id INTEGER, "
        "state TEXT, to_state TEXT, fence INTEGER, to_fence INTEGER)"
    )
    child = (
        "CREATE TRIGGER chaos_{name} AFTER {event} ON {table} WHEN NEW.attempt_id IS NOT NULL BEGIN "
        f"INSERT INTO chaos_note ({_COLUMNS}) SELECT '{{table}}', id, state, '', fence, fence "
        "FROM runs_attempt WHERE id = NEW.attempt_id; END"
    )
    children = [
        child.format(name=f"{name}_{number}", table=name, event=event)
        for name, events in _WRITES.items()
        for number, event in enumerate(events.split(" OR "))
    ]
    attempt = (
        f"CREATE TRIGGER chaos_attempt AFTER UPDATE ON {_ATTEMPT} WHEN {_changed('IS NOT', 'fence state finished_at')} "
        f"BEGIN INSERT INTO chaos_note ({_COLUMNS}) "
        f"VALUES ('{_ATTEMPT}', OLD.id, OLD.state, NEW.state, OLD.fence, NEW.fence); END"
    )
    run = (
        f"CREATE TRIGGER chaos_run AFTER UPDATE ON {_RUN} WHEN {_run_changed('IS NOT')} "
        f"BEGIN INSERT INTO chaos_note ({_COLUMNS}) VALUES ('{_RUN}', NULL, OLD.state, NEW.state, 0, 0); END"
    )
    return [table, *children, attempt, run]


def _postgres() -> list[str]:
    table = (
        "CREATE TABLE chaos_note (id BIGSERIAL PRIMARY KEY, what TEXT, attempt_id BIGINT, "
        "state TEXT, to_state TEXT, fence BIGINT, to_fence BIGINT)"
    )
    child = (
        "CREATE FUNCTION chaos_child() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"INSERT INTO chaos_note ({_COLUMNS}) SELECT TG_TABLE_NAME, id, state, '', fence, fence "
        "FROM runs_attempt WHERE id = NEW.attempt_id; RETURN NULL; END $$"
    )
    # A run has no fence of its own, so that both kinds of rows are noted by what they call their own.
    moved = (
        "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"INSERT INTO chaos_note ({_COLUMNS}) VALUES (TG_TABLE_NAME, {{values}}); RETURN NULL; END $$"
    )
    of_attempt = "OLD.id, OLD.state, NEW.state, OLD.fence, NEW.fence"
    functions = [
        child,
        moved.format(name="chaos_attempt", values=of_attempt),
        moved.format(name="chaos_run", values="NULL, OLD.state, NEW.state, 0, 0"),
    ]
    triggers = [
        f"CREATE TRIGGER chaos_witness AFTER {event} ON {name} FOR EACH ROW EXECUTE FUNCTION chaos_child()"
        for name, event in _WRITES.items()
    ]
    differs = "IS DISTINCT FROM"
    for name, function, when in (
        (_ATTEMPT, "chaos_attempt", _changed(differs, "fence state finished_at")),
        (_RUN, "chaos_run", _run_changed(differs)),
    ):
        triggers.append(
            f"CREATE TRIGGER chaos_witness AFTER UPDATE ON {name} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION {function}()"
        )
    return [table, *functions, *triggers]


def _changed(differs: str, columns: str) -> str:
    return " OR ".join(f"OLD.{name} {differs} NEW.{name}" for name in columns.split())


def _run_changed(differs: str) -> str:
    ended = ", ".join(f"'{state}'" for state in _ENDED_RUNS)
    return f"OLD.state IN ({ended}) AND ({_changed(differs, 'state result finished_at attempts_made')})"
