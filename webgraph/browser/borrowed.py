"""A browser borrowed from a keeper, which lends it to other processes as well (`webgraph.browser.keeper`)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from playwright.async_api import Error as PlaywrightError

from infra_shared.clock import monotonic
from webgraph.browser.driver import CLOSE_SECONDS
from webgraph.browser.keeper import PAGE_ENDED, UNUSABLE
from webgraph.browser.launching import LAUNCH_SECONDS
from webgraph.browser.loan import Fault
from webgraph.errors import BrowserCrashError

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Browser

    from webgraph.browser.driver import Driver

ANSWER_SECONDS = LAUNCH_SECONDS + 15.0
"""Generous: the keeper may have to start a browser, or be started again itself."""
_LOSS_SECONDS = 5.0


@dataclass(eq=False)
class _Connection:
    """One connection to a browser server, kept from attempt to attempt."""

    endpoint: str = field(repr=False)
    browser: Browser
    active: int = 0


class BorrowedLoan:
    """A browser that others use too. Lasts as long as its connection to the keeper."""

    def __init__(self, source: BorrowedBrowsers, connection: _Connection, door: _Door) -> None:
        self._source = source
        self._connection = connection
        self._door = door

    @property
    def browser(self) -> Browser:
        """The browser; its contexts are this process's alone."""
        return self._connection.browser

    @property
    def page_ended_at(self) -> float | None:
        """When the keeper last said that it ends a page."""
        return self._door.page_ended_at

    async def give_back(self, fault: Fault) -> None:
        """Let go of it; others go on using it."""
        if fault is Fault.BROWSER:
            self._door.say(UNUSABLE)
        self._door.close()
        await self._source.take_back(self._connection, broken=fault is not Fault.NONE)

    async def went_away_with_others(self) -> bool:
        """Whether the browser itself ended, and not only this process's connection to it. Ask when that is lost."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOSS_SECONDS):
                await self._door.closed_by_keeper.wait()
        return self._door.closed_by_keeper.is_set()


class BorrowedBrowsers:
    """Borrows the keeper's browser for one attempt after the other; the connection to it stays warm in between."""

    def __init__(self, driver: Driver, keeper: Path) -> None:
        self._driver = driver
        self._keeper = keeper
        self._connection: _Connection | None = None
        self._connecting = asyncio.Lock()
        self._doors: set[_Door] = set()

    async def take(self) -> BorrowedLoan:
        """The keeper's browser; BrowserCrashError when it has none to lend."""
        try:
            return await self._take()
        except BrowserCrashError as error:
            if error.permanent:
                raise
        return await self._take()  # it may have gone away, or been replaced, at this very moment

    async def take_back(self, connection: _Connection, *, broken: bool) -> None:
        """Close a connection that was replaced meanwhile, or cannot be used; what else is on it goes on."""
        connection.active -= 1
        if broken and self._connection is connection:
            self._connection = None
        if self._connection is not connection and connection.active == 0:
            await _disconnect(connection)

    async def shut_down(self) -> None:
        """Let go of everything."""
        self.drop()
        connection, self._connection = self._connection, None
        if connection is not None:
            await _disconnect(connection)

    def drop(self) -> None:
        """Close the connections to the keeper: the browser may then be ended without waiting for this process."""
        for door in list(self._doors):
            door.drop()

    async def _take(self) -> BorrowedLoan:
        door = _Door(self._doors)
        try:
            endpoint = await door.ask(self._keeper)
            async with self._connecting:
                connection = await self._connected(endpoint, door)
        except BaseException:
            door.close()
            raise
        connection.active += 1
        return BorrowedLoan(self, connection, door)

    async def _connected(self, endpoint: str, door: _Door) -> _Connection:
        before = self._connection
        if before is not None and before.endpoint == endpoint and before.browser.is_connected():
            return before
        try:
            browser = await self._driver.connect(endpoint)
        except BrowserCrashError:
            door.say(UNUSABLE)
            raise
        self._connection = _Connection(endpoint, browser)
        if before is not None and before.active == 0:
            await _disconnect(before)
        return self._connection


class _Door:
    """One connection to the keeper."""

    def __init__(self, doors: set[_Door]) -> None:
        self.closed_by_keeper = asyncio.Event()
        self.page_ended_at: float | None = None
        self._doors = doors
        self._socket: socket.socket | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._watch: asyncio.Task[None] | None = None
        self._dropped = False

    async def ask(self, keeper: Path) -> str:
        """Where the browser is; from then on the loan runs."""
        plain = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        plain.setblocking(False)
        self._socket = plain
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await asyncio.get_running_loop().sock_connect(plain, str(keeper))
                reader, self._writer = await asyncio.open_unix_connection(sock=plain)
                self._doors.add(self)
                answer = json.loads(await reader.readline() or b"{}")
        except (
            OSError,
            TimeoutError,
            ValueError,
        ) as error:  # ValueError: the keeper ended in the middle of its answer
            raise BrowserCrashError("The browser of this node could not be reached.") from error
        if "endpoint" not in answer:
            message = answer.get("error", "The browser of this node went away before the attempt began.")
            raise BrowserCrashError(message, permanent=answer.get("permanent"))
        self._watch = asyncio.create_task(self._wait_for_end(reader))
        return str(answer["endpoint"])

    def say(self, line: bytes) -> None:
        """Tell the keeper something."""
        if self._writer is not None:
            self._writer.write(line)

    def close(self) -> None:
        """End the loan."""
        self._doors.discard(self)
        if self._watch is not None:
            self._watch.cancel()
        if self._writer is not None:
            self._writer.close()
        elif self._socket is not None:
            self._socket.close()

    def drop(self) -> None:
        """End the loan from another thread, while the loop may be stuck."""
        self._dropped = True
        if self._socket is not None:
            with contextlib.suppress(OSError):  # closed meanwhile
                self._socket.shutdown(socket.SHUT_RDWR)

    async def _wait_for_end(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                if line == PAGE_ENDED:
                    self.page_ended_at = monotonic()
        if not self._dropped:
            self.closed_by_keeper.set()


async def _disconnect(connection: _Connection) -> None:
    with contextlib.suppress(PlaywrightError, TimeoutError):  # it is gone then, which is what was wanted
        async with asyncio.timeout(CLOSE_SECONDS):
            await connection.browser.close()
