"""The edge Worker on this machine: the real one, in workerd, as a part of the local system."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from config.local import node
from config.local.processes import Part

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PORT = 8787
START_SECONDS = 120
# A person at this machine should not wait an hour because they stopped the server for a minute.
LOCAL_BACKOFF = {"BACKOFF_BASE_SECONDS": "2", "BACKOFF_CAP_SECONDS": "30"}


def problem(environment: Mapping[str, str]) -> str:
    """Return why the Worker cannot be started with this environment, in words; empty when it can."""
    if other := environment.get("EDGE_WORKER_URL"):
        return f"EDGE_WORKER_URL names the one at {other}"
    if reason := node.problem():
        return reason
    if not node.installed():
        return "its packages are not installed (make setup)"
    unset = [name for name in ("EDGE_KEYS", "EDGE_CONTROL_KEYS") if not environment.get(name)]
    return f"set {' and '.join(unset)}" if unset else ""


def worker_part(
    *, folder: Path, port: int, origin_url: str, environment: Mapping[str, str], log: Path
) -> Part:
    """Return the Worker as a part that is not started yet.

    Args:
        folder: keeps KV, R2 and the key that encrypts the sources' secrets. What is queued is in memory alone.
        origin_url: where it posts its batches.
        port: of 127.0.0.1.
        environment: holds EDGE_KEYS and EDGE_CONTROL_KEYS; variables of wrangler.jsonc that are set here count.
        log: what the Worker writes.
    """
    own = {
        "ORIGIN_URL": origin_url,
        "CONFIG_KEYS": _config_keys(folder),
        "WRANGLER_SEND_METRICS": "false",
        "NO_COLOR": "1",
    }
    return Part(
        "edge worker",
        ["node", node.PACKAGE / "local" / "serve.mjs", "--port", str(port), "--folder", folder],
        {**LOCAL_BACKOFF, **environment, **own},
        log,
        ready_url=f"http://127.0.0.1:{port}/healthz",
    )


def _config_keys(folder: Path) -> str:
    """Return this folder's encryption key; the first call writes it, readable by its owner alone."""
    path = folder / "config-keys"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(f"local:{secrets.token_hex(32)}")
    return path.read_text()
