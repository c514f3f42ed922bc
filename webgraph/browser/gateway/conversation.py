"""One connection of a browser: a tunnel, or requests over plain http one after the other to one place."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import h11

from webgraph.browser.gateway import relay
from webgraph.browser.gateway.places import Place, place_of_authority, place_of_url
from webgraph.browser.gateway.ways import READ_BYTES
from webgraph.errors import WebGraphError

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter

    from webgraph.browser.gateway.meter import Meter
    from webgraph.browser.gateway.verdicts import Verdicts
    from webgraph.browser.gateway.ways import Link, Ways

# Chromium sends cookies of a whole site in one head.
_MOST_HEAD_BYTES = 512 * 1024
# What a connection says to its next hop alone (RFC 9110, section 7.6.1), and what this proxy says itself.
_NOT_PASSED_ON = frozenset(
    {b"connection", b"proxy-connection", b"keep-alive", b"te", b"upgrade", b"proxy-authorization", b"host"}
)


class _BadRequestError(Exception):
    """Not what a browser sends to a proxy."""


class Conversation:
    """Serves one connection until either side ends it."""

    def __init__(
        self,
        reader: StreamReader,
        writer: StreamWriter,
        ways: Ways,
        verdicts: Verdicts,
        meter: Meter | None = None,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._ways = ways
        self._verdicts = verdicts
        self._meter = meter
        self._place: Place | None = None
        self._link: Link | None = None
        self._answers: asyncio.Task[None] | None = None

    async def hold(self) -> None:
        """Serve it. A place that cannot be reached ends it, and the verdict says why."""
        try:
            await self._serve()
        except (_BadRequestError, h11.ProtocolError, ValueError):
            self._writer.write(_answer(400))
        except WebGraphError:
            return  # told by the verdict; without an answer the browser sees a connection that failed
        except OSError:
            return  # a side went away
        finally:
            if self._answers is not None:
                self._answers.cancel()
            if self._link is not None:
                self._link.writer.close()

    async def _serve(self) -> None:
        said = b""
        while True:
            browser = h11.Connection(h11.SERVER, max_incomplete_event_size=_MOST_HEAD_BYTES)
            if said:
                browser.receive_data(said)
            request = await self._next(browser)
            if not isinstance(request, h11.Request):
                return
            if request.method == b"CONNECT":
                await self._tunnel(browser, request)
                return
            await self._pass_on(browser, request)
            said = browser.trailing_data[0]

    async def _next(self, browser: h11.Connection) -> h11.Event:
        while True:
            event = browser.next_event()
            if isinstance(event, h11.Event):
                return event
            if event is h11.PAUSED:
                msg = "something was said before its turn"
                raise _BadRequestError(msg)
            browser.receive_data(await self._reader.read(READ_BYTES))

    async def _tunnel(self, browser: h11.Connection, request: h11.Request) -> None:
        place = place_of_authority(request.target.decode("ascii"))
        while not isinstance(await self._next(browser), h11.EndOfMessage):
            pass
        try:
            self._check_meter()
            link = self._link = await self._ways.tunnel(place)
        except WebGraphError as error:
            self._verdicts.failed(place, error)
            self._writer.write(_answer(502))
            return
        self._verdicts.reached(place)
        self._writer.write(_answer(200) + link.early)
        if said := browser.trailing_data[0]:
            link.writer.write(said)
        await relay.both_ways((self._reader, self._writer), (link.reader, link.writer), self._meter)

    async def _pass_on(self, browser: h11.Connection, request: h11.Request) -> None:
        """Send one request on. Answers flow back unread: the browser sends its next request when it has this one's."""
        target = request.target.decode("ascii")
        place = place_of_url(target)
        if not target.lower().startswith("http://"):
            msg = "a proxy is asked for whole addresses"
            raise _BadRequestError(msg)
        link = await self._link_to(place)
        writer = h11.Connection(h11.CLIENT)
        event: h11.Event = _for_next_hop(request, link)
        while True:
            link.writer.write(writer.send(event) or b"")
            await link.writer.drain()
            if isinstance(event, h11.EndOfMessage):
                return
            event = await self._next(browser)

    async def _link_to(self, place: Place) -> Link:
        if self._link is not None:
            if place != self._place:
                # Never seen of a browser. What the first place still says must not count as the second one's answer.
                msg = "a connection is for one place"
                raise _BadRequestError(msg)
            return self._link
        try:
            self._check_meter()
            link = await self._ways.plain(place)
        except WebGraphError as error:
            self._verdicts.failed(place, error)
            raise
        self._verdicts.reached(place)
        self._place, self._link = place, link
        self._answers = asyncio.create_task(self._bring_answers(link))
        return link

    def _check_meter(self) -> None:
        if self._meter is not None:
            self._meter.check()

    async def _bring_answers(self, link: Link) -> None:
        # Either side broke, or too much came in: both connections end, below.
        with contextlib.suppress(OSError, WebGraphError):
            await relay.one_way(link.reader, self._writer, self._meter)
        # The site said its last, so nothing the browser says on this connection is heard any more.
        self._writer.close()


def _for_next_hop(request: h11.Request, link: Link) -> h11.Request:
    target = request.target.decode("ascii")
    parts = urlsplit(target)
    # As they were spelled: some sites tell browsers from others by it.
    kept = [pair for pair in request.headers.raw_items() if pair[0].lower() not in _NOT_PASSED_ON]
    own = [("Host", parts.netloc.rpartition("@")[2]), *link.headers]
    path = target.partition("://")[2].removeprefix(parts.netloc)
    path = path if path.startswith("/") else f"/{path}"
    return h11.Request(
        method=request.method,
        target=target if link.for_proxy else path,
        headers=[*((name.encode(), value.encode()) for name, value in own), *kept],
    )


def _answer(status: int) -> bytes:
    """An answer of the proxy's own, which only its status is read of."""
    reasons = {200: "Connection established", 400: "Bad Request", 502: "Bad Gateway"}
    ends = "" if status == 200 else "Content-Length: 0\r\nConnection: close\r\n"
    return f"HTTP/1.1 {status} {reasons[status]}\r\n{ends}\r\n".encode()
