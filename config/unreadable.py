"""What `doctor` says where the settings cannot be read at all: every one that is wrong, not the first alone."""

from __future__ import annotations

import json
import sys

from django.conf import settings

from config import env
from infra_shared.checkup import Level

NAME = "settings"
ADVICE = "Set them in the environment, or in the file ENV_FILE names; docs/settings.md lists all."


def stop_if_any(*, as_json: bool) -> None:
    """End the process with 1 when a setting is missing or malformed, once each of them was told."""
    wrong = env.complaints() or _what_stops_django()
    if not wrong:
        return
    if as_json:
        findings = [{"check": NAME, "level": Level.FAIL, "words": line, "advice": ADVICE} for line in wrong]
        told = json.dumps({"level": Level.FAIL, "findings": findings, "seconds": {}}, indent=2)
    else:
        told = "\n".join([*(f"{Level.FAIL:5} {NAME:11} {line}" for line in wrong), ADVICE])
    sys.stdout.write(f"{told}\n")
    sys.exit(1)


def _what_stops_django() -> list[str]:
    """What is wrong though each setting by itself can be read: an address in pieces, two that do not go together."""
    try:
        _ = settings.DEBUG  # whichever is asked for first has all of them loaded
    except SystemExit as stopped:
        return [env.without_lead(str(stopped))]
    return []
