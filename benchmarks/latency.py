"""How late schedules start and how soon requests do, beside stock django-q2 on the same PostgreSQL in the same run.

Lateness is the time from the planned moment until the work's function begins in a worker process, in both systems,
for fifty schedules a minute each, at the same moments. The rest is measured one request at a time: ours from before
the request over HTTP until the run's first step begins, stock's from before `async_task` until its function begins.

    python -m benchmarks.latency [--minutes N] [--requests N] [--seed S] --json
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from typing import TYPE_CHECKING, Any

from benchmarks._latency.course import measure
from config.local.system import throwaway_system
from config.local.terminal import say

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

SETTINGS: dict[str, Any] = {
    "AUTOMATION_MODULES": "benchmarks._latency.automations",
    "WORKER_PROCESSES": "2",
    "API_RATE_PER_MINUTE": "100000",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 whenever it measured; the last line holds the figures, in seconds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency", description=__doc__)
    parser.add_argument("--minutes", type=int, default=3, help="how long the schedules fire (default: 3)")
    parser.add_argument(
        "--requests", type=int, default=30, help="how many are asked for in turn (default: 30)"
    )
    parser.add_argument("--seed", type=int, default=1, help="makes the moments of the schedules")
    parser.add_argument(
        "--json", action="store_true", help="accepted for uniformity: the last line is always JSON"
    )
    given = parser.parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _exit)
    with throwaway_system(database="postgres", **SETTINGS) as system:
        figures = measure(system, minutes=given.minutes, requests=given.requests, seed=given.seed)
    say(json.dumps(figures))
    return 0


def _exit(_number: int, _frame: FrameType | None) -> None:
    sys.exit(1)  # unwinds everything that was started


if __name__ == "__main__":
    sys.exit(main())
