"""A soak too short for a slope, with everything else in it: faults, a killed browser, a killed worker process."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from config.env import BASE_DIR

# Marked so that the second half of the suite, which only changes the suite's own database, leaves it out.
pytestmark = [pytest.mark.browser, pytest.mark.sqlite, pytest.mark.slow]
LEFT_BEHIND = ("leaked_processes", "leaked_files", "leaked_connections", "orphan_blobs")


@pytest.mark.timeout(900)
def test_a_soak_of_twelve_runs_with_faults_on_leaves_nothing_behind():
    command = [sys.executable, "-m", "benchmarks.soak", "--runs=12", "--seed=8", "--json"]
    done = subprocess.run(command, cwd=BASE_DIR, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert {name: figures[name] for name in LEFT_BEHIND} == dict.fromkeys(LEFT_BEHIND, 0), done.stdout
    assert figures["runs"] == 12
    assert figures["bytes_per_run"] > 0
    assert {"rss_slope_mb_per_100_runs", "evidence_gaps"} <= set(figures)
    assert "killed, a browser:" in done.stdout
    assert "killed, a worker process:" in done.stdout
