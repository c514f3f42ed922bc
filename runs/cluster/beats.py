"""Signs of life for the watchdog: small datagrams on one socket pair that the outermost process keeps open.

Free of Django: the watchdog imports this, and has to start and work when nothing else does.
"""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST_BYTES = 4096


class BeatSender:
    """One process's end: `send` never waits, and a beat that finds no room is simply the next one."""

    def __init__(self, name: str, descriptor: int | None) -> None:
        self._name = name
        self._socket = None if descriptor is None else socket.socket(fileno=descriptor)

    def send(self, *expected: str) -> None:
        """Say that this process is alive; the outermost one adds the names whose beats are `expected`."""
        if self._socket is None:
            return
        with contextlib.suppress(BlockingIOError):  # the watchdog is being started again
            self._socket.send(" ".join((self._name, *expected)).encode(), socket.MSG_DONTWAIT)

    def close(self) -> None:
        """Close this process's end."""
        if self._socket is not None:
            self._socket.close()


def received(channel: socket.socket) -> Iterator[list[str]]:
    """The beats that have come in: the sender's name and the names it expects."""
    with contextlib.suppress(BlockingIOError):
        while True:
            yield channel.recv(_LONGEST_BYTES, socket.MSG_DONTWAIT).decode().split()
