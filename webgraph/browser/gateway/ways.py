"""How a place is reached: to an address that was judged, directly or through the automation's own proxy."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import h11
from python_socks import ProxyConnectionError, ProxyTimeoutError, ProxyType
from python_socks import ProxyError as SocksError
from python_socks.async_.asyncio.v2 import Proxy as SocksProxy

from webgraph.browser.gateway.places import Place, is_bypassed
from webgraph.errors import NavigationError, ProxyError
from webgraph.failures import proxy_refused_sign_in

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import Sequence

    from infra_shared.public_addresses import IpAddress
    from webgraph.network import AddressPolicy

READ_BYTES = 64 * 1024
_CONNECT_SECONDS = 20.0
_MOST_HEAD_BYTES = 64 * 1024
_NOT_REACHED = "The proxy could not be reached."
_NOT_CONNECTED = "The proxy did not connect to the site."


@dataclass(frozen=True, slots=True)
class Upstream:
    """The automation's own proxy, and what it is signed in to with."""

    scheme: str
    place: Place
    bypass: tuple[str, ...] = ()
    signed: tuple[str, str] | None = field(default=None, repr=False)

    def header(self) -> list[tuple[str, str]]:
        """The sign-in as an HTTP proxy reads it."""
        if self.signed is None:
            return []
        token = base64.b64encode(":".join(self.signed).encode()).decode()
        return [("Proxy-Authorization", f"Basic {token}")]


@dataclass(frozen=True, slots=True)
class Link:
    """A connection that stands. `for_proxy`: requests over it name the whole address, and carry these headers."""

    reader: StreamReader
    writer: StreamWriter
    for_proxy: bool = False
    headers: Sequence[tuple[str, str]] = ()
    early: bytes = b""
    """What the other side already said."""


@dataclass(frozen=True, slots=True)
class Ways:
    """The ways one attempt's requests may take."""

    policy: AddressPolicy
    upstream: Upstream | None = None

    async def tunnel(self, place: Place) -> Link:
        """A connection to the place itself, which carries bytes as they are; WebGraphError when there is none."""
        upstream = self._upstream_for(place)
        if upstream is None:
            return await self._direct(place)
        await self.policy.judged(*place)
        if upstream.scheme == "socks5":
            return await self._through_socks(upstream, place)
        return await _through_http(await self._to_proxy(upstream), upstream, place)

    async def plain(self, place: Place) -> Link:
        """A connection for plain http, to the place or to a proxy that fetches from it; WebGraphError as above."""
        upstream = self._upstream_for(place)
        if upstream is None or upstream.scheme == "socks5":
            return await self.tunnel(place)
        await self.policy.judged(*place)
        link = await self._to_proxy(upstream)
        return replace(link, for_proxy=True, headers=upstream.header())

    def _upstream_for(self, place: Place) -> Upstream | None:
        upstream = self.upstream
        return None if upstream is None or is_bypassed(place, upstream.bypass) else upstream

    async def _judged_here(self, place: Place) -> tuple[IpAddress, ...]:
        """The addresses of a place that this machine itself connects to: it has to know them."""
        return await replace(self.policy, proxied=False).judged(*place)

    async def _direct(self, place: Place) -> Link:
        addresses = await self._judged_here(place)
        try:
            return await _connected(addresses, place.port)
        except ConnectionRefusedError as error:
            raise NavigationError("The site refused the connection.") from error
        except TimeoutError as error:
            raise NavigationError("The site did not answer in time.") from error
        except OSError as error:
            raise NavigationError("The site could not be reached.") from error

    async def _to_proxy(self, upstream: Upstream) -> Link:
        addresses = await self._judged_here(upstream.place)
        secure = ssl.create_default_context() if upstream.scheme == "https" else None
        try:
            return await _connected(addresses, upstream.place.port, secure, upstream.place.host)
        except OSError as error:  # as are TimeoutError and ssl.SSLError
            raise ProxyError(_NOT_REACHED) from error

    async def _through_socks(self, upstream: Upstream, place: Place) -> Link:
        name, password = upstream.signed or (None, None)
        address = (await self._judged_here(upstream.place))[0]
        proxy = SocksProxy(
            ProxyType.SOCKS5, str(address), upstream.place.port, username=name, password=password, rdns=True
        )
        try:
            stream = await proxy.connect(place.host, place.port, timeout=_CONNECT_SECONDS)
        except (ProxyConnectionError, ProxyTimeoutError) as error:
            raise ProxyError(_NOT_REACHED) from error
        except (SocksError, OSError, EOFError) as error:  # EOFError: it said nothing more
            raise ProxyError(_NOT_CONNECTED) from error
        return Link(stream.reader, stream.writer)


async def _connected(
    addresses: Sequence[IpAddress], port: int, secure: ssl.SSLContext | None = None, name: str | None = None
) -> Link:
    """A connection to the first address that takes one; raises what the last one said. No name is resolved here."""
    seconds = _CONNECT_SECONDS / len(addresses)

    async def to(address: IpAddress) -> Link:
        server_name = name if secure else None
        async with asyncio.timeout(seconds):
            return Link(
                *await asyncio.open_connection(str(address), port, ssl=secure, server_hostname=server_name)
            )

    for address in addresses[:-1]:
        with contextlib.suppress(OSError):  # the next one is tried; TimeoutError is an OSError
            return await to(address)
    return await to(addresses[-1])


async def _through_http(link: Link, upstream: Upstream, place: Place) -> Link:
    """The tunnel that an HTTP proxy makes to the place."""
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            status, early = await _ask_for_tunnel(link, upstream, place)
    except BaseException as error:
        link.writer.transport.abort()
        if isinstance(error, h11.ProtocolError | OSError):
            raise ProxyError(_NOT_CONNECTED) from error
        raise
    if 200 <= status < 300:
        return replace(link, early=early)
    link.writer.transport.abort()
    if status == 407:
        raise proxy_refused_sign_in()
    raise ProxyError(f"{_NOT_CONNECTED} It answered {status}.")


async def _ask_for_tunnel(link: Link, upstream: Upstream, place: Place) -> tuple[int, bytes]:
    talk = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MOST_HEAD_BYTES)
    headers = [("Host", str(place)), *upstream.header()]
    question = talk.send(h11.Request(method="CONNECT", target=str(place), headers=headers))
    assert question is not None  # only a closed connection is sent as None
    link.writer.write(question + (talk.send(h11.EndOfMessage()) or b""))
    await link.writer.drain()
    while True:
        event = talk.next_event()
        if isinstance(event, h11.Response):
            return event.status_code, talk.trailing_data[0]
        if isinstance(event, h11.ConnectionClosed):
            raise ConnectionResetError
        if event is h11.NEED_DATA:
            talk.receive_data(await link.reader.read(READ_BYTES))
