"""One writer for each status; illegal moves raise; terminal is final; every move is logged."""

from __future__ import annotations

import ast
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra_shared.database import database_now
from runs import lifecycle
from runs.models import Attempt, Run, Transition
from runs.states import (
    ATTEMPT_MOVES,
    RUN_MOVES,
    TERMINAL_ATTEMPTS,
    TERMINAL_RUNS,
    AttemptState,
    IllegalMoveError,
    RunState,
)
from tests.support import sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from automations.models import AutomationVersion

ROOT = Path(__file__).resolve().parents[2]
WRITERS = {
    "runs/lifecycle.py",
    "runs/services/history.py",
    "intake/lifecycle.py",
    "intake/services/history.py",
}


def _forced(run: Run, state: RunState) -> Run:
    """The run as if it were in `state`, written past the lifecycle."""
    now = database_now()
    finished = now if state in TERMINAL_RUNS else None
    Run.objects.filter(pk=run.pk).update(state=state, finished_at=finished, started_at=now)
    return Run.objects.get(pk=run.pk)


@pytest.mark.parametrize(("begin", "to"), list(product(RunState, RunState)))
def test_a_run_moves_exactly_as_its_table_says(
    begin: RunState, to: RunState, version: AutomationVersion
) -> None:
    run = _forced(sample.ask(), begin)

    allowed = to in RUN_MOVES[begin]
    if not allowed:
        with pytest.raises(IllegalMoveError):
            lifecycle.move_run(run, to, actor="test", reason="walk", now=database_now())
    else:
        assert lifecycle.move_run(run, to, actor="test", reason="walk", now=database_now())

    assert Run.objects.get(pk=run.pk).state == (to if allowed else begin)
    assert Transition.objects.filter(run=run, reason="walk").count() == int(allowed)


@pytest.mark.parametrize(("begin", "to"), list(product(AttemptState, AttemptState)))
def test_an_attempt_moves_exactly_as_its_table_says(
    begin: AttemptState, to: AttemptState, version: AutomationVersion
) -> None:
    now = database_now()
    attempt = Attempt.objects.get(run=sample.ask())
    Attempt.objects.filter(pk=attempt.pk).update(
        state=begin,
        fence=1,
        started_at=now,
        deadline_at=now,
        finished_at=now if begin in TERMINAL_ATTEMPTS else None,
    )
    attempt.refresh_from_db()

    allowed = to in ATTEMPT_MOVES[begin]
    if not allowed:
        with pytest.raises(IllegalMoveError):
            lifecycle.move_attempt(attempt, to, actor="test", reason="walk", now=now)
    else:
        assert lifecycle.move_attempt(attempt, to, actor="test", reason="walk", now=now)

    assert Attempt.objects.get(pk=attempt.pk).state == (to if allowed else begin)


def test_a_move_that_another_process_made_first_changes_nothing(version: AutomationVersion) -> None:
    run = sample.ask()
    stale = Run.objects.get(pk=run.pk)
    lifecycle.move_run(run, RunState.CANCELLED, actor="first", reason="first", now=database_now())

    moved = lifecycle.move_run(stale, RunState.EXPIRED, actor="second", reason="late", now=database_now())

    assert not moved
    assert Run.objects.get(pk=run.pk).state == RunState.CANCELLED
    assert not Transition.objects.filter(run=run, reason="late").exists()


def test_a_write_with_an_old_fence_changes_nothing(version: AutomationVersion) -> None:
    attempt = Attempt.objects.get(run=sample.ask())
    Attempt.objects.filter(pk=attempt.pk).update(fence=7)

    moved = lifecycle.move_attempt(
        attempt, AttemptState.CANCELLED, actor="old", reason="old fence", now=database_now()
    )

    assert not moved
    assert Attempt.objects.get(pk=attempt.pk).state == AttemptState.QUEUED


def test_no_status_is_written_outside_the_lifecycle() -> None:
    offenders = [
        f"{path}:{line}"
        for path in _sources()
        if path not in WRITERS
        for line in _status_writes((ROOT / path).read_text(encoding="utf-8"))
    ]

    assert offenders == []


def test_the_search_for_status_writes_finds_each_way_of_writing_one() -> None:
    source = (
        "run.state = 'x'\nRun.objects.update(state='x')\nRun(state='x')\n"
        "Attempt.objects.create(state='x')\nsetattr(run, 'state', 'x')\n"
    )

    assert list(_status_writes(source)) == [1, 2, 3, 4, 5]


def _sources() -> list[str]:
    files = (ROOT / "runs").rglob("*.py"), (ROOT / "intake").rglob("*.py"), (ROOT / "config").rglob("*.py")
    names = [path.relative_to(ROOT).as_posix() for found in files for path in found]
    return [name for name in names if "/migrations/" not in name]


def _status_writes(source: str) -> Iterator[int]:
    """Lines that assign a `state`, or pass one to a call that writes rows (an occurrence's never changes)."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Assign(targets=targets) if any(
                isinstance(target, ast.Attribute) and target.attr == "state" for target in targets
            ):
                yield node.lineno
            case ast.Call(func=ast.Name(id="setattr"), args=[_, ast.Constant(value="state"), *_]):
                yield node.lineno
            case ast.Call(func=func, keywords=keywords) if _writes_rows(func) and any(
                keyword.arg == "state" for keyword in keywords
            ):
                yield node.lineno
            case _:
                pass


def _writes_rows(func: ast.expr) -> bool:
    written = {"update", "create", "get_or_create", "update_or_create"}
    if isinstance(func, ast.Attribute):
        return func.attr in written and not ast.unparse(func).startswith("Occurrence.")
    return isinstance(func, ast.Name) and func.id in {"Run", "Attempt", "Event", "Match"}
