"""Tasks that a node executes in these tests; what they did is seen in a folder."""

from __future__ import annotations

import os
from pathlib import Path

from tests.support.waiting import wait_until


def note(folder: str, name: str) -> None:
    """Write down that this task ran, and in which process."""
    (Path(folder) / name).write_text(str(os.getpid()))


def hold(folder: str, name: str) -> None:
    """Say `NAME.began`, wait for the file `release`, say `NAME`."""
    note(folder, f"{name}.began")
    wait_until((Path(folder) / "release").exists, 60)
    note(folder, name)
