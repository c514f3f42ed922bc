"""`python -m config.local.accounts ensure|password|key [--json]`: who may sign in here, and with which API key.

Secrets are printed once, when they are made, and kept nowhere in plain text.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING

import django

from config.local.environment import load_environment
from config.local.terminal import say

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ACTIONS = ("ensure", "password", "key")


def main(arguments: Sequence[str]) -> int:
    """Do one action and print what was made: for a person, or as one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m config.local.accounts", description=__doc__)
    parser.add_argument("action", choices=ACTIONS)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    load_environment()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from config.local import issuing  # noqa: PLC0415 - its models need the settings loaded above

    actions: dict[str, Callable[[], dict[str, str | None]]] = {
        "ensure": issuing.ensure,
        "password": lambda: {"operator": issuing.OPERATOR, "password": issuing.set_password()},
        "key": lambda: {"caller": issuing.CALLER, "key": issuing.issue_key()},
    }
    made = actions[options.action]()
    if options.json:
        say(json.dumps(made))
    else:
        say("\n".join(f"{name:10} {value}" for name, value in made.items() if value))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
