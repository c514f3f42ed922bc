"""`python -m benchmarks._latency.stock cluster|plan|ask`: stock django-q2 in processes of its own.

`cluster` serves until it is told to end; `plan LOG FIRST…` makes a schedule every minute from each of these moments;
`ask LOG COUNT` enqueues one task after the other, each when the one before it has begun.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path

import django
from django.core.management import call_command

from benchmarks._latency.marks import marks
from infra_shared.clock import monotonic, sleep, utc_now

SETTINGS = "benchmarks._latency.stock_settings"
WORK = "benchmarks._latency.marks.mark"
BEGIN_SECONDS = 60.0
POLL_SECONDS = 0.01


class NotBegunError(Exception):
    """A task that was enqueued did not begin in time."""


def main(arguments: list[str]) -> None:
    """Do what the first argument says."""
    os.environ["DJANGO_SETTINGS_MODULE"] = SETTINGS  # noqa: TID251 - this program is its own entry point
    django.setup()
    if arguments[0] == "cluster":
        call_command("qcluster")
    elif arguments[0] == "plan":
        _plan(arguments[1], arguments[2:])
    else:
        _ask(arguments[1], int(arguments[2]))


def _plan(log: str, first_times: list[str]) -> None:
    from django_q.models import Schedule  # noqa: PLC0415 - its models need the settings

    for number, first in enumerate(first_times):
        Schedule.objects.create(
            name=f"stock {number}",
            func=WORK,
            kwargs=repr({"log": log}),
            schedule_type=Schedule.MINUTES,
            minutes=1,
            next_run=datetime.fromisoformat(first),
            intended_date_kwarg="planned",
            cluster="stock",
        )


def _ask(log: str, count: int) -> None:
    from django_q.tasks import async_task  # noqa: PLC0415 - its models need the settings

    for number in range(count):
        async_task(WORK, log, utc_now().isoformat())
        until = monotonic() + BEGIN_SECONDS
        while len(marks(Path(log))) <= number:
            if monotonic() > until:
                raise NotBegunError(f"Task {number + 1} did not begin within {BEGIN_SECONDS:.0f} s.")
            sleep(POLL_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1:])
