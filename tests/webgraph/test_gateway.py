"""The proxy in front of every browser, without a browser: where it connects, what it passes on, and to whom it listens."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ipaddress
import os
import socket
import ssl
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from tests.webgraph.ssrf_pages import Listener
from webgraph import network
from webgraph.browser.gateway import neighbours
from webgraph.browser.gateway.gateway import Gateway
from webgraph.browser.gateway.places import Place, is_bypassed, place_of_authority
from webgraph.browser.gateway.ways import Upstream, Ways
from webgraph.errors import AddressRefusedError, NavigationError, ProxyError
from webgraph.network import AddressPolicy

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

    from infra_shared.public_addresses import IpAddress
    from webgraph.browser.gateway.door import Door

    Serve = Callable[[StreamReader, StreamWriter], Awaitable[None]]


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    gateway = Gateway()
    yield gateway
    gateway.close()


@pytest.fixture
def listen() -> Iterator[Callable[..., Listener]]:
    """Makes listeners that end with the test."""
    made: list[Listener] = []

    def make(*where: Any) -> Listener:
        made.append(Listener(*where))
        return made[-1]

    yield make
    for listener in made:
        listener.close()


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What each name answers, one answer after the other; the last one for ever. Others are unknown."""
    known: dict[str, list[str]] = {}

    def resolve(host: str, _port: int) -> tuple[IpAddress, ...]:
        answers = known.get(host)
        if not answers:
            msg = f"The name {host} could not be resolved."
            raise NavigationError(msg)
        return (ipaddress.ip_address(answers.pop(0) if len(answers) > 1 else answers[0]),)

    monkeypatch.setattr(network, "resolve", resolve)
    return known


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


class UpstreamProxy:
    """A proxy that notes what it is asked, lets in one sign-in, and answers in the place of every site."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.heads.append(await reader.readuntil(b"\r\n\r\n"))
        signed = b"Proxy-Authorization: Basic YW5uYTpwYXNz" in self.heads[-1]
        writer.write(b"HTTP/1.1 200 fine\r\n\r\nearly" if signed else b"HTTP/1.1 407 no\r\n\r\n")

    async def asked(self, gateway: Gateway, request: bytes, *, signed: bool = True) -> tuple[bytes, Door]:
        async with served(self.serve) as port:
            policy = AddressPolicy((f"127.0.0.1:{port}",), proxied=True)
            sign_in = ("anna", "pass") if signed else None
            upstream = Upstream("http", Place("127.0.0.1", port), signed=sign_in)
            async with gateway.door(Ways(policy, upstream)) as door:
                return await asked(door, request), door


@pytest.mark.parametrize("host", ["only-the-proxy-knows.test", "public.test"])
def test_a_proxy_of_the_automations_own_gets_the_name_and_the_sign_in(
    gateway: Gateway, names: dict[str, list[str]], host: str
) -> None:
    names["public.test"] = ["93.184.215.14"]
    proxy = UpstreamProxy()

    tunnel, _ = asyncio.run(proxy.asked(gateway, connect(f"{host}:443")))
    plain, _ = asyncio.run(proxy.asked(gateway, get(f"http://{host}/a")))

    assert tunnel.endswith(b"\r\n\r\nearly")
    assert plain.endswith(b"early")
    assert proxy.heads[0].startswith(f"CONNECT {host}:443 HTTP/1.1".encode())
    assert proxy.heads[1].startswith(f"GET http://{host}/a HTTP/1.1".encode())


@pytest.mark.parametrize("host", ["127.0.0.1", "[fd12::1]", "169.254.169.254", "intranet.test"])
@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_ssrf_through_the_automations_own_proxy_is_refused_before_the_proxy_is_asked(
    gateway: Gateway, names: dict[str, list[str]], listen: Callable[..., Listener], host: str, scheme: str
) -> None:
    names["intranet.test"] = ["10.1.2.3"]
    proxy = listen()
    ways = Ways(AddressPolicy((proxy.place,), proxied=True), Upstream(scheme, Place("127.0.0.1", proxy.port)))

    async def talk() -> object:
        async with gateway.door(ways) as door:
            await asked(door, connect(f"{host}:443"))
            return door.verdicts.about(f"https://{host}/")

    assert isinstance(asyncio.run(talk()), AddressRefusedError)
    assert proxy.arrived == []


def test_a_proxy_that_refuses_the_sign_in_is_told_by_the_verdict_and_not_to_the_browser(
    gateway: Gateway, names: dict[str, list[str]]
) -> None:
    names["shop.test"] = ["93.184.215.14"]

    answer, door = asyncio.run(UpstreamProxy().asked(gateway, connect("shop.test:443"), signed=False))

    verdict = door.verdicts.about("https://shop.test/")
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert isinstance(verdict, ProxyError)
    assert "(407)" in str(verdict)


def test_a_proxy_over_tls_is_known_by_its_certificate(
    gateway: Gateway, names: dict[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names["proxy.test"], names["shop.test"] = ["127.0.0.1"], ["93.184.215.14"]
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    proxy = UpstreamProxy()

    async def asked_as(name: str) -> bytes:
        secure = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(name).configure_cert(secure)
        async with served(proxy.serve, ssl=secure) as port:
            upstream = Upstream("https", Place("proxy.test", port), signed=("anna", "pass"))
            policy = AddressPolicy((f"proxy.test:{port}",), proxied=True)
            async with gateway.door(Ways(policy, upstream)) as door:
                return await asked(door, connect("shop.test:443"), to_the_end=True)

    assert asyncio.run(asked_as("proxy.test")).endswith(b"early")
    assert asyncio.run(asked_as("other.test")).startswith(b"HTTP/1.1 502 ")
    assert len(proxy.heads) == 1


async def socks(reader: StreamReader, writer: StreamWriter) -> None:
    """A SOCKS5 proxy that says which name it was asked for, in the place of the site (RFC 1928, RFC 1929)."""
    await reader.readexactly((await reader.readexactly(2))[1])
    writer.write(b"\5\2")
    user = await reader.readexactly((await reader.readexactly(2))[1])
    password = await reader.readexactly((await reader.readexactly(1))[0])
    writer.write(b"\1\0" if (user, password) == (b"anna", b"pass") else b"\1\1")
    *_, size = await reader.readexactly(5)
    name = await reader.readexactly(size)
    await reader.readexactly(2)
    writer.write(b"\5\0\0\1\0\0\0\0\0\0" + b"socks knows " + name)
    await writer.drain()


@pytest.mark.parametrize(
    ("password", "ends"), [("pass", b"socks knows far.test"), ("wrong", b"Connection: close\r\n\r\n")]
)
def test_a_socks_proxy_is_signed_in_to_and_gets_the_name(
    gateway: Gateway, names: dict[str, list[str]], password: str, ends: bytes
) -> None:
    names["near.test"] = ["93.184.215.14"]

    async def talk() -> bytes:
        async with served(socks) as port:
            upstream = Upstream("socks5", Place("127.0.0.1", port), signed=("anna", password))
            policy = AddressPolicy((f"127.0.0.1:{port}",), proxied=True)
            async with gateway.door(Ways(policy, upstream)) as door:
                return await asked(door, connect("far.test:443"), to_the_end=True)

    assert asyncio.run(talk()).endswith(ends)


@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_a_proxy_that_hangs_up_did_not_connect(
    gateway: Gateway, names: dict[str, list[str]], scheme: str
) -> None:
    names["shop.test"] = ["93.184.215.14"]

    async def hang_up(_reader: StreamReader, _writer: StreamWriter) -> None: ...

    async def talk() -> str:
        async with served(hang_up) as port:
            policy = AddressPolicy((f"127.0.0.1:{port}",), proxied=True)
            async with gateway.door(Ways(policy, Upstream(scheme, Place("127.0.0.1", port)))) as door:
                await asked(door, connect("shop.test:443"))
                return str(door.verdicts.about("https://shop.test/"))

    assert asyncio.run(talk()) == "The proxy did not connect to the site."


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
    ("pattern", "fits"),
    [
        ("*.example", True),
        (".example", True),
        ("shop.example", True),
        ("SHOP.example:443", True),
        ("https://shop.example", True),
        ("shop.example:80", False),
        ("example", False),
        ("10.0.0.0/8", False),
    ],
)
def test_what_is_bypassed_is_told_by_patterns(pattern: str, fits: bool) -> None:
    assert is_bypassed(Place("shop.example", 443), [pattern]) is fits


def test_addresses_are_bypassed_by_themselves_and_by_their_network() -> None:
    assert is_bypassed(Place("10.1.2.3", 80), ["10.0.0.0/8"])
    assert is_bypassed(Place("fd12::1", 80), ["[fd12::1]:80"])
    assert not is_bypassed(Place("fd12::1", 80), ["[fd12::1]:81", "[fd12::2]", "10.0.0.0/8"])


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
