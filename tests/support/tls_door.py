"""TLS in front of a server that speaks none, under an authority that nobody but the test trusts."""

from __future__ import annotations

import asyncio
import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trustme

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PIECE_BYTES = 64 * 1024


@dataclass(frozen=True)
class TlsDoor:
    """Where it listens, and the file with the authority of its certificate."""

    url: str
    ca_file: Path


@contextmanager
def tls_door(url: str, folder: Path) -> Iterator[TlsDoor]:
    """A door to the server at `url`, which hears each byte as the client sent it."""
    authority = trustme.CA()
    ca_file = folder / "authority.pem"
    authority.cert_pem.write_to_path(ca_file)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(_opened(int(url.rsplit(":", 1)[1]), context), loop).result()
    try:
        port = server.sockets[0].getsockname()[1]
        yield TlsDoor(f"https://127.0.0.1:{port}", ca_file)
    finally:
        asyncio.run_coroutine_threadsafe(_closed(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _opened(target: int, context: ssl.SSLContext) -> asyncio.Server:
    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, asks = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(_pass(reader, asks), _pass(answers, writer))

    return await asyncio.start_server(carry, "127.0.0.1", 0, ssl=context)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(PIECE_BYTES):
            writer.write(piece)
            await writer.drain()
    except OSError:
        pass  # the other side went away: so does this one
    finally:
        writer.close()


async def _closed(server: asyncio.Server) -> None:
    """Close the door and end who is still on their way through it."""
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
