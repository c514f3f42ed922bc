"""How every browser is started, whoever starts it."""

from __future__ import annotations

import os

LAUNCH_SECONDS = 30.0
LAUNCH_FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def launch_flags() -> list[str]:
    """The flags for a closed network; the sandbox stays on for everyone but root, for whom Chromium refuses it."""
    root = ("--no-sandbox",) if os.getuid() == 0 else ()
    return [*LAUNCH_FLAGS, *root]
