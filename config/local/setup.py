"""`python3 -m config.local.setup run|all [--then NAME]`: prepare this machine, phase by phase.

`run` prepares what `make run` needs, `all` also what tests, checks and benchmarks need. `--then run` goes on with
`config.local.run` in the virtual environment, in the same process, told how long set-up took. Runs on the system's
Python with its standard library; safe to repeat, and quick when nothing changed.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import TYPE_CHECKING

from config.local import node
from config.local.terminal import Phases, say
from config.local.virtualenv import OLDEST_PYTHON, PYTHON, ROOT, SetupError, ensure, install, run

if TYPE_CHECKING:
    from collections.abc import Callable

PURPOSES = ("run", "all")


def main() -> int:
    """Prepare the machine for one purpose; 1 when a person has to do something first."""
    options = _arguments()
    if sys.version_info < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        say(f"Python {oldest} or newer is needed; `make PYTHON=python{oldest} …` names another one.")
        return 1
    started = time.monotonic()
    try:
        _prepare(options.purpose)
    except SetupError as error:
        say(str(error))
        return 1
    if options.then:
        seconds = f"{time.monotonic() - started:.1f}"
        module = f"config.local.{options.then}"
        os.chdir(ROOT)
        os.execv(PYTHON, [str(PYTHON), "-m", module, "--setup-seconds", seconds])  # noqa: S606 - our own
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Prepare this machine.")
    parser.add_argument("purpose", choices=PURPOSES)
    parser.add_argument("--then", default="", help="module of config.local to go on with")
    return parser.parse_args()


def _prepare(purpose: str) -> None:
    """Run the phases a purpose needs, in order."""
    chosen = _phases(purpose)
    phases = Phases(len(chosen))
    for name, work in chosen:
        with phases.phase(name) as outcome:
            outcome.append(work())


def _phases(purpose: str) -> list[tuple[str, Callable[[], str]]]:
    """Return (name, work) of each phase; the work returns what it did, in words."""
    phases: list[tuple[str, Callable[[], str]]] = [
        ("virtual environment", ensure),
        ("requirements", lambda: install("requirements.txt")),
        ("browser", lambda: run([str(PYTHON), "-m", "config.local.browser", "--install"])),
    ]
    if purpose != "run":
        phases += [
            ("test requirements", lambda: install("requirements-dev.txt")),
            ("vision requirements", lambda: install("requirements-vision.txt")),
            ("PostgreSQL", lambda: run([str(PYTHON), "-m", "config.local.postgres"])),
        ]
    return [*phases, ("edge worker packages", node.install_if_possible)]


if __name__ == "__main__":
    sys.exit(main())
