"""Passing bytes on, unread, as fast as the slower side takes them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from webgraph.browser.gateway.ways import READ_BYTES

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter

    from webgraph.browser.gateway.meter import Meter

Streams = tuple["StreamReader", "StreamWriter"]


async def one_way(source: StreamReader, target: StreamWriter, meter: Meter | None = None) -> None:
    """Pass on until the source says its last, and tell the target so; OSError when either side breaks.

    What a meter does not let in any more is not passed on, and its refusal is raised.
    """
    while data := await source.read(READ_BYTES):
        if meter is not None:
            meter.take(len(data))
        target.write(data)
        await target.drain()
    if target.can_write_eof():
        target.write_eof()
    else:
        target.close()  # TLS has no half of a connection to end


async def both_ways(browser: Streams, site: Streams, meter: Meter | None = None) -> None:
    """Pass on in both directions until the browser's side ends, either one breaks, or a meter is full."""
    asking = asyncio.ensure_future(one_way(browser[0], site[1]))
    answering = asyncio.ensure_future(one_way(site[0], browser[1], meter))
    try:
        await asyncio.wait((asking, answering), return_when=asyncio.FIRST_COMPLETED)
        # A browser ends a connection whole: what a site might still say would be heard by nobody.
        if not asking.done() and answering.exception() is None:
            await asyncio.wait((asking,))
    finally:
        asking.cancel()
        answering.cancel()
        await asyncio.gather(asking, answering, return_exceptions=True)
