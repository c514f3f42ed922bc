"""The wire between the Worker and its origin: it says what passes, and can lose an answer."""

from __future__ import annotations

import asyncio
import re
import threading
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_PIECE_BYTES = 1 << 16
REFUSED = "refused"
"""Nobody listened at the origin."""
BROKEN = "broken"
"""The origin went away while it owed an answer."""
GIVEN_UP = "given up"
"""The Worker went away while it was owed an answer."""
CUT = "cut"
"""The origin's answer began, and was kept from the Worker."""


class Relay:
    """A TCP relay to a port of this machine, in a thread of its own; `with Relay(port) as relay`.

    `felt` counts what happened on the wire: the words above, and each status the origin answered (`"200"`).
    """

    def __init__(self, target_port: int) -> None:
        self.felt: Counter[str] = Counter()
        self.port = 0
        self._target_port = target_port
        self._cuts = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay")
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Where the Worker is to believe its origin."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop
        ).result()
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut_next_answer(self) -> None:
        """Let the origin do what it is asked, and keep the next answer that says so from the Worker."""
        self._cuts += 1

    async def _serve(self, worker: asyncio.StreamReader, to_worker: asyncio.StreamWriter) -> None:
        try:
            origin, to_origin = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            self.felt[REFUSED] += 1
            to_worker.transport.abort()
            return
        wire = _Wire(self)
        pumps = [
            asyncio.create_task(wire.ask(worker, to_origin)),
            asyncio.create_task(wire.answer(origin, to_worker)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            to_worker.transport.abort()
            to_origin.transport.abort()

    def takes_the_answer(self, status: str) -> bool:
        """Whether the answer that begins now is to be lost."""
        if not self._cuts or status != "200":
            return False
        self._cuts -= 1
        self.felt[CUT] += 1
        return True

    async def _end(self) -> None:
        assert self._server
        self._server.close()
        for task in self._others():
            task.cancel()
        await asyncio.gather(*self._others(), return_exceptions=True)

    def _others(self) -> Iterator[asyncio.Task[None]]:
        return (task for task in asyncio.all_tasks(self._loop) if task is not asyncio.current_task())


class _Wire:
    """One connection of the Worker, kept alive over several requests: they follow each other, so one answer is owed."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._is_owed = False

    async def ask(self, worker: asyncio.StreamReader, to_origin: asyncio.StreamWriter) -> None:
        """Pass on what the Worker says."""
        with suppress(ConnectionError):
            while piece := await worker.read(_PIECE_BYTES):
                self._is_owed = True
                to_origin.write(piece)
                await to_origin.drain()
        self._went_away(GIVEN_UP)

    async def answer(self, origin: asyncio.StreamReader, to_worker: asyncio.StreamWriter) -> None:
        """Pass on what the origin says, or end where its answer is to be lost."""
        with suppress(ConnectionError):
            while piece := await origin.read(_PIECE_BYTES):
                status = _STATUS.match(piece)
                if status and self._relay.takes_the_answer(status[1].decode()):
                    return
                if status:
                    self._relay.felt[status[1].decode()] += 1
                    self._is_owed = False
                to_worker.write(piece)
                await to_worker.drain()
        self._went_away(BROKEN)

    def _went_away(self, who: str) -> None:
        if self._is_owed:
            self._relay.felt[who] += 1
