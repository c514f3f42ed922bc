"""Servers behind a gateway, and what is said to it."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket
    from asyncio import StreamReader, StreamWriter
    from collections.abc import AsyncIterator, Awaitable, Callable

    from webgraph.browser.gateway.door import Door

    Serve = Callable[[StreamReader, StreamWriter], Awaitable[None]]


@asynccontextmanager
async def served(work: Serve, **options: Any) -> AsyncIterator[int]:
    """The port of a server that does this work with each connection."""

    async def talk(reader: StreamReader, writer: StreamWriter) -> None:
        try:
            await work(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, **options)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def port_of(door: Door) -> int:
    return int(door.address.rpartition(":")[2])


async def asked(
    door: Door, *requests: bytes, to_the_end: bool = False, link: socket.socket | None = None
) -> bytes:
    """The first bytes that come back for each request, sent one after the other; or all that comes back."""
    where: dict[str, Any] = {"sock": link} if link else {"host": "127.0.0.1", "port": port_of(door)}
    reader, writer = await asyncio.open_connection(**where)
    answers = b""
    with contextlib.suppress(ConnectionError):
        for request in requests:
            writer.write(request)
            answers += await asyncio.wait_for(reader.read(-1 if to_the_end else 65536), 20)
    writer.close()
    return answers


def connect(place: str) -> bytes:
    return f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n".encode()


def get(url: str, *headers: str) -> bytes:
    lines = [f"GET {url} HTTP/1.1", f"Host: {url.split('/')[2]}", *headers, "", ""]
    return "\r\n".join(lines).encode()


async def hello(reader: StreamReader, writer: StreamWriter) -> None:
    """Answer each head with what it was."""
    while head := await reader.readuntil(b"\r\n\r\n"):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(head), head))
