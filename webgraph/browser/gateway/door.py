"""The door of one attempt: a port on 127.0.0.1 that lets its browser out, and nobody else's."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from webgraph.browser.gateway import neighbours
from webgraph.browser.gateway.conversation import Conversation
from webgraph.browser.gateway.verdicts import Verdicts

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter

    from webgraph.browser.gateway.meter import Meter
    from webgraph.browser.gateway.ways import Ways

_HOST = "127.0.0.1"


class Door:
    """Open from `open` to `close`, both on the gateway's loop; its verdicts may be read from anywhere."""

    def __init__(self, ways: Ways, meter: Meter | None = None) -> None:
        self.verdicts = Verdicts()
        self._ways = ways
        self._meter = meter
        self._server: asyncio.Server | None = None
        self._conversations: dict[asyncio.Task[None], StreamWriter] = {}

    @property
    def address(self) -> str:
        """Where it listens, as a browser is told."""
        assert self._server is not None  # made by the gateway, which opens it
        return f"http://{_HOST}:{self._server.sockets[0].getsockname()[1]}"

    async def open(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._on_connection, _HOST, 0)

    async def close(self) -> None:
        """Listen no more, and end every connection."""
        if self._server is not None:
            self._server.close()
        for conversation, writer in list(self._conversations.items()):
            writer.transport.abort()
            conversation.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)

    def _on_connection(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.ensure_future(self._converse(reader, writer))
        self._conversations[task] = writer
        task.add_done_callback(lambda done: self._conversations.pop(done, None))

    async def _converse(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            ends = writer.get_extra_info("peername"), writer.get_extra_info("sockname")
            if all(ends) and neighbours.is_own(*ends):  # a connection that is gone already has no ends
                await Conversation(reader, writer, self._ways, self.verdicts, self._meter).hold()
        finally:
            writer.close()
