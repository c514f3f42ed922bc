"""A keeper of a shared browser, on a thread of the test."""

from __future__ import annotations

import asyncio
import socket
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from tests.support.families import is_browser
from webgraph.browser.keeper import BrowserKeeper
from webgraph.browser.server import BrowserServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from webgraph.browser.recycling import RecyclePolicy


class KeptBrowser:
    """A keeper and the browsers it started, oldest first."""

    def __init__(self, address: Path) -> None:
        self.address = address
        self.servers: list[BrowserServer] = []
        self.loop = asyncio.new_event_loop()
        self.stop = asyncio.Event()

    @property
    def newest(self) -> psutil.Process:
        """The process that serves the browser of the latest loan."""
        return psutil.Process(self.servers[-1].pid)

    def browser(self) -> psutil.Process:
        """The browser itself, of the latest loan."""
        family = self.newest.children(recursive=True)
        return next(one for one in family if is_browser(one))


@contextmanager
def kept_browser(executable: str, recycle: RecyclePolicy, temp_root: Path) -> Iterator[KeptBrowser]:
    """Lend a browser until the block ends; then every browser it started is gone."""
    # A Unix socket's address is short: the folders of tests are not.
    with tempfile.TemporaryDirectory(prefix="keeper-") as folder:
        kept = KeptBrowser(Path(folder) / "browser")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(kept.address))
        listener.listen()

        async def start() -> BrowserServer:
            kept.servers.append(await BrowserServer.start(executable, temp_root=temp_root))
            return kept.servers[-1]

        keeper = BrowserKeeper(start, recycle)
        thread = threading.Thread(
            target=lambda: kept.loop.run_until_complete(keeper.serve(listener, kept.stop)), daemon=True
        )
        thread.start()
        try:
            yield kept
        finally:
            kept.loop.call_soon_threadsafe(kept.stop.set)
            thread.join(30)
            kept.loop.close()
