"""What is left behind by hundreds of runs with faults on: memory, processes, files, connections, stored bytes.

One node with two worker processes and its dispatcher, web, and PostgreSQL work on runs of the practice automations,
asked for over the API in rounds of a dozen. The practice site fails a share of all requests; now and then the browser or a
worker process is killed in the middle of its work. When a round is over every process is looked at; at the end node and
web are stopped and what they left is counted, beside the product: see `benchmarks._soak`.

    python -m benchmarks.soak [--runs N] [--minutes N] [--seed S] [--logs FOLDER] --json
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks._soak.course import measure
from benchmarks._soak.plan import LEAST_RUNS, make_plan
from benchmarks._soak.system import soak_system
from config.local.terminal import say

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 whenever it measured; the last line holds the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--runs", type=int, default=300, help="default: 300; a slope means little below 150")
    parser.add_argument(
        "--minutes", type=float, default=60, help="no round begins after so many (default: 60)"
    )
    parser.add_argument("--seed", type=int, help="repeats a plan (default: a new one, printed)")
    parser.add_argument("--logs", type=Path, help="a folder for the logs of every process")
    parser.add_argument(
        "--json", action="store_true", help="accepted for uniformity: the last line is always JSON"
    )
    given = parser.parse_args(arguments)
    if given.runs < LEAST_RUNS:
        parser.error(f"--runs must be {LEAST_RUNS} or more: fewer say nothing about what grows.")
    seed = random.SystemRandom().randrange(2**31) if given.seed is None else given.seed
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _exit)
    say(f"seed {seed}, {given.runs} runs")
    with soak_system(logs=given.logs) as system:
        plan = make_plan(runs=given.runs, seed=seed, site_url=system.local.site_url)
        figures = measure(system, plan, seed=seed, within_seconds=given.minutes * 60)
    say(json.dumps(figures))
    return 0


def _exit(_number: int, _frame: FrameType | None) -> None:
    sys.exit(1)  # unwinds everything that was started


if __name__ == "__main__":
    sys.exit(main())
