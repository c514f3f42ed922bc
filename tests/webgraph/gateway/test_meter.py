"""A door lets in what its attempt may receive, and no more, whichever connection it comes by."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.webgraph.gateway.talking import asked, connect, get, served
from webgraph.browser.gateway.meter import Meter
from webgraph.browser.gateway.ways import Ways
from webgraph.limits import Limits
from webgraph.network import AddressPolicy

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter

    from webgraph.browser.gateway.gateway import Gateway

LIMITS = Limits(traffic_bytes=50)


def test_hostile_traffic_closes_every_way_through_a_door_and_is_told_once(gateway: Gateway) -> None:
    told: list[int] = []
    heard: list[bytes] = []
    meter = Meter(LIMITS.traffic_bytes, LIMITS.traffic, lambda: told.append(meter.spent_bytes))

    async def answers_much(reader: StreamReader, writer: StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 100)
        await writer.drain()

    async def three_times() -> tuple[bytes, bytes, bytes, str]:
        async with served(answers_much) as port:
            place = f"127.0.0.1:{port}"
            async with gateway.door(Ways(AddressPolicy((place,))), meter) as door:
                first = await asked(door, get(f"http://{place}/a"))
                second = await asked(door, get(f"http://{place}/b"))
                third = await asked(door, connect(place))
                return first, second, third, str(door.verdicts.about(f"http://{place}/"))

    first, second, third, verdict = asyncio.run(three_times())

    assert first == second == b""
    assert third.startswith(b"HTTP/1.1 502 ")
    assert len(heard) == len(told) == 1
    assert "BROWSER_MAX_TRAFFIC_MB" in verdict
