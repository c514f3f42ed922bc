"""Keeps one browser for several processes: lends it, replaces it, and ends it when nobody needs it.

Who wants to use the browser connects to a Unix socket and is told, in one line of JSON, where it is. The connection is
the loan: it lasts as long as the borrower keeps it open, however the borrower ends. When the browser goes away, its
loans are closed from here, and each borrower knows that it was not alone. Knows no Django, and no attempt.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from webgraph.browser import memory_watch
from webgraph.errors import WebGraphError

if TYPE_CHECKING:
    import socket
    from asyncio import StreamReader, StreamWriter
    from collections.abc import Awaitable, Callable

    import psutil

    from webgraph.browser.recycling import RecyclePolicy
    from webgraph.browser.server import BrowserServer

LOOK_SECONDS = 30.0
UNUSABLE = b"unusable\n"
"""What a borrower says of a browser it cannot work with; its next loan is of another one."""
PAGE_ENDED = b"page_ended\n"
"""What a borrower is told before a page of the browser is ended for its memory: it may be one of its own."""
_log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Kept:
    """A browser that is kept, and who has it."""

    server: BrowserServer
    started_at: float
    loans: set[StreamWriter] = field(default_factory=set)
    attempts: int = 0
    retired: bool = False
    watch: asyncio.Task[None] | None = None
    memory_watch: asyncio.Task[None] | None = None
    ending: asyncio.Task[None] | None = None


class BrowserKeeper:
    """Lends a browser that is started when somebody first asks. Lives on one event loop."""

    def __init__(self, start: Callable[[], Awaitable[BrowserServer]], recycle: RecyclePolicy) -> None:
        self._start = start
        self._recycle = recycle
        self._kept: set[_Kept] = set()
        self._starting = asyncio.Lock()

    async def serve(self, listener: socket.socket, stop: asyncio.Event) -> None:
        """Lend until `stop` is set; then every browser is ended."""
        door = await asyncio.start_unix_server(self._lend, sock=listener)
        look = asyncio.create_task(self._keep_looking())
        try:
            await stop.wait()
        finally:
            look.cancel()
            door.close()
            for kept in list(self._kept):
                kept.retired = True
                self._end_soon(kept)
            await asyncio.gather(*(kept.ending for kept in self._kept if kept.ending is not None))

    async def _lend(self, reader: StreamReader, borrower: StreamWriter) -> None:
        try:
            await self._lend_it(await self._usable(), reader, borrower)
        except WebGraphError as error:
            with contextlib.suppress(ConnectionError):
                await _tell(borrower, error=str(error), permanent=error.permanent)
        except ConnectionError:
            pass  # the borrower ended without a word
        finally:
            borrower.close()

    async def _lend_it(self, kept: _Kept, reader: StreamReader, borrower: StreamWriter) -> None:
        kept.loans.add(borrower)
        kept.attempts += 1
        try:
            await _tell(borrower, endpoint=kept.server.endpoint)
            if await reader.readline() == UNUSABLE:
                _log.warning("shared_browser_unusable pid=%d", kept.server.pid)
                kept.retired = True
                await reader.read()
        finally:
            kept.loans.discard(borrower)
            self._judge(kept)

    async def _usable(self) -> _Kept:
        async with self._starting:
            for kept in self._kept:
                self._judge(kept)
                if not kept.retired:
                    return kept
            server = await self._start()
            kept = _Kept(server, started_at=asyncio.get_running_loop().time())
            kept.watch = asyncio.create_task(self._watch(kept))
            kept.memory_watch = asyncio.create_task(self._watch_memory(kept))
            self._kept.add(kept)
            _log.info("shared_browser_started pid=%d", server.pid)
            return kept

    async def _watch(self, kept: _Kept) -> None:
        await kept.server.ended()
        if kept.ending is None:
            _log.warning("shared_browser_went_away pid=%d borrowers=%d", kept.server.pid, len(kept.loans))
        kept.retired = True
        for borrower in kept.loans:
            borrower.transport.abort()
        self._end_soon(kept)

    async def _watch_memory(self, kept: _Kept) -> None:
        def in_use() -> psutil.Process | None:
            return kept.server.process() if kept.loans else None

        def ending() -> None:
            for borrower in kept.loans:
                borrower.write(PAGE_ENDED)

        await memory_watch.watch(in_use, self._recycle.page_memory_bytes, ending)

    def _judge(self, kept: _Kept, *, memory_bytes: int = 0) -> None:
        """Retire a browser that served long enough, and end a retired one that nobody has."""
        if not kept.retired:
            kept.retired = self._recycle.is_due(
                attempts=kept.attempts,
                age_seconds=asyncio.get_running_loop().time() - kept.started_at,
                # As much for each that uses it as a browser of its own might take.
                memory_bytes=memory_bytes // max(1, len(kept.loans)),
            )
        if kept.retired and not kept.loans:
            self._end_soon(kept)

    def _end_soon(self, kept: _Kept) -> None:
        if kept.ending is None:
            kept.ending = asyncio.create_task(self._end(kept))

    async def _end(self, kept: _Kept) -> None:
        if kept.memory_watch is not None:
            kept.memory_watch.cancel()
        await kept.server.stop()
        self._kept.discard(kept)
        _log.info("shared_browser_ended pid=%d attempts=%d", kept.server.pid, kept.attempts)

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            for kept in list(self._kept):
                self._judge(kept, memory_bytes=await kept.server.memory_bytes())


async def _tell(borrower: StreamWriter, **words: Any) -> None:
    borrower.write(json.dumps(words).encode() + b"\n")
    await borrower.drain()
