#!/usr/bin/env python
"""The command line of the automation server: `manage.py help` lists what it can do."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run one management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if sys.argv[1:2] == ["doctor"]:
        from config import unreadable

        unreadable.stop_if_any(as_json="--json" in sys.argv)  # Django cannot be started without its settings
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
