"""How web speaks HTTP where several processes share one listening socket: as uvicorn does, and at once."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

_OF_A_NETWORK = frozenset({socket.AF_INET, socket.AF_INET6})


class PromptHttp(H11Protocol):
    """Sends what it has, however little it is.

    `uvicorn --workers` makes its socket without naming TCP, and asyncio switches Nagle's algorithm off only where it is
    named. An answer's body then waits until the caller's machine has confirmed its head, which Linux puts off for
    40 ms: each answer after the first on a kept connection came 43 ms late (uvicorn 0.54, November 2026).
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Switch Nagle's algorithm off; a Unix socket has none."""
        connection: socket.socket = transport.get_extra_info("socket")
        if connection.family in _OF_A_NETWORK:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().connection_made(transport)
