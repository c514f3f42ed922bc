"""Whether schedules and runs survive anything: processes killed and frozen, connections cut, the database restarted.

Three nodes and three dispatchers (two with a wrong clock) work on fifty schedules and on requests over the API while
a seeded storm strikes them; then the storm ends, and what is still under way has five minutes to end as well. Every
figure is counted beside the product: see `benchmarks._chaos`. On SQLite it is one node, and the database's one write
lock is held instead of a restart.

    python -m benchmarks.chaos [--minutes N] [--seed S] [--database sqlite] [--logs FOLDER] --json
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks._chaos.course import measure
from benchmarks._chaos.plan import SCHEDULES, make_plan
from benchmarks._chaos.system import Shape, chaos_system
from config.local.terminal import say

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

NODES = {"postgres": 3, "sqlite": 1}
PROCESSES = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 whenever it measured; the last line holds the figures."""
    given = _parser().parse_args(arguments)
    seed = random.SystemRandom().randrange(2**31) if given.seed is None else given.seed
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _exit)
    plan = make_plan(seed=seed, seconds=given.minutes * 60, schedules=given.schedules)
    say(f"seed {seed}, {given.minutes:g} minutes on {given.database}, clocks off by {plan.skews_seconds} s")
    shape = Shape(given.database, nodes=given.nodes or NODES[given.database], processes=PROCESSES)
    with chaos_system(shape, skews_seconds=plan.skews_seconds, logs=given.logs) as system:
        figures = measure(system, plan)
    say(json.dumps(figures))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, help="how long the storm lasts (default: 1)")
    parser.add_argument("--seed", type=int, help="repeats a sequence (default: a new one, printed)")
    parser.add_argument("--database", choices=sorted(NODES), default="postgres")
    parser.add_argument("--nodes", type=int, help="default: 3, on SQLite 1")
    parser.add_argument("--schedules", type=int, default=SCHEDULES, help=f"default: {SCHEDULES}")
    parser.add_argument("--logs", type=Path, help="a folder for the logs of every process")
    parser.add_argument(
        "--json", action="store_true", help="accepted for uniformity: the last line is always JSON"
    )
    return parser


def _exit(_number: int, _frame: FrameType | None) -> None:
    sys.exit(1)  # unwinds everything that was started


if __name__ == "__main__":
    sys.exit(main())
