"""The shortest measurement of the intake: every figure is there, and nothing was lost or run twice."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from config.env import BASE_DIR

FIGURES = {
    "edge_accepted_per_second",
    "batch_1",
    "batch_10",
    "batch_100",
    "raw_insert_100",
    "batch_100_vs_1",
    "batch_100_vs_raw",
    "lost",
    "double_runs",
}


@pytest.mark.edge
@pytest.mark.slow
@pytest.mark.timeout(420)
@pytest.mark.usefixtures("needs_node")
def test_the_benchmark_of_the_intake_tells_its_figures_and_loses_nothing() -> None:
    command = [sys.executable, "-m", "benchmarks.intake", "--rounds=1", "--webhooks=40", "--json"]
    done = subprocess.run(command, cwd=BASE_DIR, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert set(figures) == FIGURES
    assert all(figures[name] > 0 for name in FIGURES - {"lost", "double_runs"})
    assert (figures["lost"], figures["double_runs"]) == (0, 0)
