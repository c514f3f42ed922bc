"""The shortest storm that has every blow in it. It makes its own servers, so both databases are met in one go."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from config.env import BASE_DIR

# Marked so that the second half of the suite, which only changes the suite's own database, leaves it out.
pytestmark = [pytest.mark.browser, pytest.mark.sqlite]
MAY_BE_ANY = {"due_occurrences", "runs", "kills"}


def storm(*arguments: str) -> tuple[dict[str, int], str]:
    """The figures of a storm, and everything it said."""
    command = [sys.executable, "-m", "benchmarks.chaos", *arguments, "--json"]
    done = subprocess.run(command, cwd=BASE_DIR, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stdout


@pytest.mark.timeout(420)
@pytest.mark.parametrize("database", [pytest.param("sqlite", marks=pytest.mark.slow), "postgres"])
def test_nothing_is_lost_doubled_or_left_behind_in_a_short_storm(database):
    figures, said = storm(
        f"--database={database}", "--minutes=0.2", "--seed=7", "--nodes=1", "--schedules=12"
    )

    assert all(figures[name] > 0 for name in MAY_BE_ANY), said
    assert {name: count for name, count in figures.items() if name not in MAY_BE_ANY and count} == {}, said


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_nothing_is_lost_doubled_or_left_behind_by_three_nodes_in_two_minutes():
    figures, said = storm("--minutes=2", "--seed=11")

    assert all(figures[name] > 0 for name in MAY_BE_ANY), said
    assert {name: count for name, count in figures.items() if name not in MAY_BE_ANY and count} == {}, said
