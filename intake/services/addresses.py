"""Where the edge Worker and this server's API are."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings


def worker_url() -> str:
    """The Worker's address, "" where there is none: EDGE_WORKER_URL, else the one `make run` started beside us."""
    return str(settings.EDGE_WORKER_URL or _running().get("edge", ""))


def origin_url() -> str:
    """This server's own address: where `make run` serves it, else PUBLIC_URL."""
    return str(_running().get("web") or settings.PUBLIC_URL)


def _running() -> dict[str, Any]:
    """What `make run` wrote down of the system it keeps running in this folder; empty where it does not run."""
    try:
        told = json.loads(settings.ADDRESSES_FILE.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # no such file is the rule; a half-written one is as good as none
        return {}
    return told if isinstance(told, dict) else {}
