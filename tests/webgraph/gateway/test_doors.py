"""Where a door connects, what it passes on, and to whom it listens."""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import os
import socket
import sys
from typing import TYPE_CHECKING

import pytest

from tests.webgraph.gateway.talking import asked, connect, get, hello, port_of, served
from webgraph import network
from webgraph.browser.gateway import neighbours
from webgraph.browser.gateway.places import place_of_authority
from webgraph.browser.gateway.ways import Ways
from webgraph.network import AddressPolicy

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import Callable

    from tests.webgraph.ssrf_pages import Listener
    from webgraph.browser.gateway.gateway import Gateway


def test_ssrf_by_rebinding_is_judged_once_and_connected_to_what_was_judged(
    gateway: Gateway, names: dict[str, list[str]], listen: Callable[..., Listener]
) -> None:
    good = listen()
    evil = listen("127.0.0.2", good.port)
    names["rebinds.test"] = ["127.0.0.1", "127.0.0.2"]
    ways = Ways(AddressPolicy((good.place,)))

    async def twice() -> tuple[bytes, bytes, str]:
        async with gateway.door(ways) as door:
            first = await asked(door, connect(f"rebinds.test:{good.port}"))
            second = await asked(door, connect(f"rebinds.test:{good.port}"))
            return first, second, str(door.verdicts.about(f"https://rebinds.test:{good.port}/a"))

    first, second, verdict = asyncio.run(twice())

    assert first.startswith(b"HTTP/1.1 200 ")
    assert second.startswith(b"HTTP/1.1 502 ")
    assert "is a private or loopback address" in verdict
    assert evil.arrived == []


@pytest.mark.parametrize(
    "place",
    [
        "127.0.0.1:{}",
        "localhost:{}",
        "[::1]:{}",
        "[::ffff:127.0.0.1]:{}",
        "2130706433:{}",
        "0177.0.0.1:{}",
        "127.1:{}",
    ],
)
def test_ssrf_by_tunnel_or_plain_request_does_not_arrive(
    gateway: Gateway, place: str, listen: Callable[..., Listener]
) -> None:
    listener = listen()
    place = place.format(listener.port)

    async def both() -> tuple[bytes, bytes, int]:
        async with gateway.door(Ways(AddressPolicy())) as door:
            answers = await asked(door, connect(place)), await asked(door, get(f"http://{place}/"))
            (refusal,) = door.verdicts.refusals()
            return *answers, refusal.times

    assert asyncio.run(both()) == (
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        b"",
        2,
    )
    assert listener.arrived == []


def test_requests_over_one_connection_are_passed_on_without_what_was_said_to_the_proxy(
    gateway: Gateway,
) -> None:
    async def talk() -> bytes:
        async with served(hello) as port:
            place = f"127.0.0.1:{port}"
            async with gateway.door(Ways(AddressPolicy((place,)))) as door:
                own = ("Proxy-Authorization: Basic c2VjcmV0", "Proxy-Connection: keep-alive", "X-Desk: 7")
                first, second = get(f"http://{place}//a?b=", *own), get(f"http://{place}?c")
                return await asked(door, first, second)

    answers = asyncio.run(talk())

    assert [line for line in answers.split(b"\r\n") if line.startswith(b"GET")] == [
        b"GET //a?b= HTTP/1.1",
        b"GET /?c HTTP/1.1",
    ]
    assert b"X-Desk: 7" in answers
    assert b"Proxy-" not in answers


def test_a_connection_to_one_place_is_not_used_for_another(gateway: Gateway) -> None:
    async def talk() -> bytes:
        async with served(hello) as one, served(hello) as other:
            places = [f"127.0.0.1:{one}", f"127.0.0.1:{other}"]
            async with gateway.door(Ways(AddressPolicy(tuple(places)))) as door:
                return await asked(door, *(get(f"http://{place}/{place}") for place in places))

    answers = asyncio.run(talk())

    assert answers.count(b"HTTP/1.1 200 OK") == 1
    assert b"HTTP/1.1 400 " in answers


def test_large_bodies_arrive_whole_in_both_directions(gateway: Gateway) -> None:
    body = os.urandom(3_000_000)

    async def mirror(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + await reader.readexactly(len(body)))
        await writer.drain()

    async def talk() -> bytes:
        async with served(mirror) as port:
            place = f"127.0.0.1:{port}"
            async with gateway.door(Ways(AddressPolicy((place,)))) as door:
                head = f"POST http://{place}/ HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
                return await asked(door, head.encode() + body, to_the_end=True)

    answer = asyncio.run(talk())

    assert hashlib.sha256(answer[-len(body) :]).digest() == hashlib.sha256(body).digest()


def test_the_addresses_of_a_name_are_tried_one_after_the_other(
    gateway: Gateway, listen: Callable[..., Listener], monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = listen()
    both = tuple(map(ipaddress.ip_address, ("127.0.0.7", "127.0.0.1")))
    monkeypatch.setattr(network, "resolve", lambda *_: both)
    place = f"two.test:{listener.port}"

    async def talk() -> bytes:
        async with gateway.door(Ways(AddressPolicy((place,)))) as door:
            return await asked(door, connect(place))

    assert asyncio.run(talk()).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "authority", ["", "host", "host:", ":80", "host:80/path", "user@", "host:x", "host:99999"]
)
def test_a_tunnel_to_no_place_is_no_request(authority: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        place_of_authority(authority)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_another_user_of_this_machine_does_not_get_out_through_a_door(
    gateway: Gateway, listen: Callable[..., Listener]
) -> None:
    listener = listen()

    async def tried(user: int) -> bytes:
        async with gateway.door(Ways(AddressPolicy((listener.place,)))) as door:
            os.seteuid(user)  # whose the socket is, is decided when it is made
            link = socket.socket()
            os.seteuid(0)
            link.setblocking(False)
            await asyncio.get_running_loop().sock_connect(link, ("127.0.0.1", port_of(door)))
            return await asked(door, connect(listener.place), link=link)

    assert asyncio.run(tried(0)).startswith(b"HTTP/1.1 200 ")
    assert asyncio.run(tried(65534)) == b""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
@pytest.mark.parametrize("tell", [neighbours._asked_of_the_kernel, neighbours._read_from_the_table])
def test_whose_a_connection_is_can_be_told_in_two_ways(
    tell: Callable[..., int | None], listen: Callable[..., Listener]
) -> None:
    with socket.create_connection(("127.0.0.1", listen().port)) as link:
        assert tell(link.getsockname(), link.getpeername()) == os.getuid()
        assert tell(link.getpeername(), ("127.0.0.3", 1)) is None


def test_doors_that_are_open_when_the_gateway_ends_are_closed_with_it(gateway: Gateway) -> None:
    async def left_open() -> int:
        async with gateway.door(Ways(AddressPolicy())) as door:
            port = port_of(door)
            gateway.close()
            return port

    port = asyncio.run(left_open())

    with pytest.raises(ConnectionRefusedError):
        asyncio.run(asyncio.open_connection("127.0.0.1", port))


def test_a_gateway_whose_thread_ended_opens_the_next_door_on_another(gateway: Gateway) -> None:
    async def address() -> tuple[str, bytes]:
        async with gateway.door(Ways(AddressPolicy())) as door:
            return door.address, await asked(door, connect("127.0.0.1:9"))

    first, _ = asyncio.run(address())
    gateway.close()
    _, answer = asyncio.run(address())

    assert answer.startswith(b"HTTP/1.1 502 ")
    with pytest.raises(ConnectionRefusedError):
        asyncio.run(asyncio.open_connection("127.0.0.1", int(first.rpartition(":")[2])))
