"""`python -m benchmarks._chaos.skewed SECONDS ARGUMENT …`: manage.py in a process whose wall clock is wrong.

Every wall clock Python offers is off by so much, in this process alone; the clock that is never set back is left as
it is, as on a machine whose time was set wrong. The program it runs is the product's own, unchanged.
"""

from __future__ import annotations

import os
import sys
from datetime import timedelta

import time_machine
from django.core.management import execute_from_command_line

from infra_shared.clock import utc_now


def main(arguments: list[str]) -> None:
    """Run one management command under a clock that is off."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")  # noqa: TID251 - as manage.py does
    moment = utc_now() + timedelta(seconds=float(arguments[0]))
    with time_machine.travel(moment, tick=True):
        execute_from_command_line(["manage.py", *arguments[1:]])


if __name__ == "__main__":
    main(sys.argv[1:])
