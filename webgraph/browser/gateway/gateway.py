"""The thread that all doors of one process live on."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from webgraph.browser.gateway.door import Door

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

    from webgraph.browser.gateway.meter import Meter
    from webgraph.browser.gateway.ways import Ways

T = TypeVar("T")
_STOP_SECONDS = 5.0


class Gateway:
    """Opens doors. Its thread starts with the first one, and again should it have ended.

    The thread is its own, so that code which blocks the browser's loop does not take the browser's network too; being of
    this process, it ends with it, and whatever port a browser still knows then leads nowhere.
    """

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting = threading.Lock()
        self._doors: set[Door] = set()

    @asynccontextmanager
    async def door(self, ways: Ways, meter: Meter | None = None) -> AsyncIterator[Door]:
        """A door for one attempt, from any loop; when the block ends, every connection through it has ended.

        A meter counts what comes in, and closes it when that is too much.
        """
        loop = self._running()
        door = Door(ways, meter)
        self._doors.add(door)
        try:
            await _on(loop, door.open())
            yield door
        finally:
            self._doors.discard(door)
            # A thread that ends closes every door itself, and may end before it hears of this one.
            with contextlib.suppress(TimeoutError):
                if loop.is_running():
                    await asyncio.wait_for(asyncio.shield(_on(loop, door.close())), _STOP_SECONDS)

    def close(self) -> None:
        """End the thread and every door. Callable from any thread, more than once."""
        with self._starting:
            thread, loop = self._thread, self._loop
            self._thread = self._loop = None
        if thread is not None and loop is not None and thread.is_alive():
            loop.call_soon_threadsafe(loop.stop)
            thread.join(_STOP_SECONDS)

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._loop is None or self._thread is None or not self._thread.is_alive():
                self._loop = asyncio.new_event_loop()
                self._doors = set()
                self._thread = threading.Thread(
                    target=_serve, args=(self._loop, self._doors), name="browser gateway", daemon=True
                )
                self._thread.start()
            return self._loop


def _on(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> asyncio.Future[T]:
    return asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop))


def _serve(loop: asyncio.AbstractEventLoop, doors: set[Door]) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        for door in list(doors):
            loop.run_until_complete(door.close())
        pending = asyncio.all_tasks(loop)
        for task in pending:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()
