"""The automation's own proxy behind a door: what it is told, and what it is never asked."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import pytest
import trustme

from tests.webgraph.gateway.talking import asked, connect, get, served
from webgraph.browser.gateway.places import Place, is_bypassed
from webgraph.browser.gateway.ways import Upstream, Ways
from webgraph.errors import AddressRefusedError, ProxyError
from webgraph.network import AddressPolicy

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import Callable
    from pathlib import Path

    from tests.webgraph.ssrf_pages import Listener
    from webgraph.browser.gateway.door import Door
    from webgraph.browser.gateway.gateway import Gateway


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

    async def talk() -> tuple[object, object]:
        async with gateway.door(ways) as door:
            await asked(door, connect(f"{host}:443"))
            await asked(door, get(f"http://{host}/"))
            return door.verdicts.about(f"https://{host}/"), door.verdicts.about(f"http://{host}/")

    tunnel, plain = asyncio.run(talk())

    assert isinstance(tunnel, AddressRefusedError)
    assert isinstance(plain, AddressRefusedError)
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
