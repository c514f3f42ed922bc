"""A practice site of one's own on a free port, for measurements."""

from __future__ import annotations

import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from config.local.processes import Part, free_port, inherited, stop

if TYPE_CHECKING:
    from collections.abc import Iterator

_START_SECONDS = 60


@contextmanager
def practice_site() -> Iterator[str]:
    """The host and port of a running practice site; it ends with the block."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        part = Part(
            "practice site",
            [sys.executable, "-m", "webgraph.practice_site", "--port", str(port)],
            inherited({}),
            Path(folder) / "site.log",
            ready_url=f"http://127.0.0.1:{port}/_truth",
        )
        try:
            part.start()
            part.wait_until_ready(_START_SECONDS)
            yield f"127.0.0.1:{port}"
        finally:
            stop([part])
