"""Which addresses a browser may open: the public web, and private hosts only where an installation lists them."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from webgraph.errors import AddressRefusedError, NavigationError

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Gate = Callable[[str], Awaitable[None]]

_PORTS = {"http": 80, "https": 443}
_METADATA_NAMES = frozenset(
    {
        "metadata",
        "metadata.google.internal",
        "metadata.goog",
        "instance-data",
        "instance-data.ec2.internal",
    }
)
_METADATA_ADDRESSES = frozenset(
    {
        ipaddress.ip_address("fd00:ec2::254"),  # AWS
        ipaddress.ip_address("fd20:ce::254"),  # Google
        ipaddress.ip_address("100.100.100.200"),  # Alibaba
        ipaddress.ip_address("168.63.129.16"),  # Azure
        ipaddress.ip_address("192.0.0.192"),  # Oracle
    }
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# A browser drops or rewrites these, other parsers do not: nothing may hide in the difference.
_AMBIGUOUS = re.compile(r"[\x00-\x20\x7f\\]")
# RFC 3986, section 3.2: what stands between "//" and "@", before any slash.
_SIGN_IN = re.compile(r"^([a-zA-Z][a-zA-Z0-9+.-]*://)[^/?#]*@")


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Refuses what a browser of this installation must not open.

    Link-local and metadata addresses are refused always; private and loopback ones unless `allowed` lists them as
    host:port. Names are resolved and every address counts. A name may answer differently a moment later: this check
    keeps honest mistakes and simple tricks out, and only a proxy that resolves once can close that gap.
    """

    allowed: tuple[str, ...] = ()
    setting_name: str = "BROWSER_ALLOW_PRIVATE"
    proxied: bool = False
    """Whether requests leave through a proxy, which may know names that are unknown on this machine."""
    gates: tuple[Gate, ...] = ()
    """What else a browser profile demands of an address, asked in this order."""

    async def check(self, url: str) -> None:
        """Raise AddressRefusedError when the URL may not be opened, NavigationError when its name is unknown."""
        host, port = self._host_and_port(url)
        for address in _written(host) or await self._addresses(host, port):
            self._check_address(host, port, address)
        for gate in self.gates:
            await gate(url)

    async def _addresses(self, host: str, port: int) -> tuple[IpAddress, ...]:
        try:
            return await asyncio.to_thread(resolve, host, port)
        except NavigationError:
            if self.proxied:
                return ()
            raise

    def _host_and_port(self, url: str) -> tuple[str, int]:
        if _AMBIGUOUS.search(url):
            raise AddressRefusedError(f"{url!r} contains characters an address must not contain.")
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise AddressRefusedError(f"{url} is not a valid address: {error}.") from error
        if parts.scheme not in _PORTS:
            raise AddressRefusedError(f"Only http and https addresses can be opened, not {url}")
        if parts.username is not None or parts.password is not None:
            raise AddressRefusedError(
                f"The address of {host} carries a sign-in, which would be kept in plain text; use a credential."
            )
        if not host:
            raise AddressRefusedError(f"{url} names no host.")
        host = host.rstrip(".").lower()
        if host in _METADATA_NAMES:
            raise AddressRefusedError(f"{host} is a metadata service; it is never opened.")
        return host, port or _PORTS[parts.scheme]

    def _check_address(self, host: str, port: int, address: IpAddress) -> None:
        real = unwrap(address)
        if real.is_link_local or real in _METADATA_ADDRESSES:
            raise AddressRefusedError(
                f"{host} leads to {real}, a link-local or metadata address; these are never opened."
            )
        if real.is_global and not real.is_multicast:
            return
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        spellings = {f"{host}:{port}", f"{real}:{port}", f"[{real}]:{port}", f"[{host}]:{port}"}
        if spellings.isdisjoint(item.lower() for item in self.allowed):
            raise AddressRefusedError(
                f"{place} is a private or loopback address; to allow it, add {place} to {self.setting_name}."
            )


def unwrap(address: IpAddress) -> IpAddress:
    """The IPv4 address inside an IPv6 one (mapped, 6to4, NAT64, Teredo), else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


def _written(host: str) -> tuple[IpAddress, ...]:
    """The address a host is written as in its usual spelling; empty for names and unusual spellings."""
    try:
        return (ipaddress.ip_address(host),)
    except ValueError:
        return ()


def without_sign_in(url: str) -> str:
    """The address without user name and password: what may be shown and kept."""
    return _SIGN_IN.sub(r"\1", url)


def resolve(host: str, port: int) -> tuple[IpAddress, ...]:
    """Every address of a name or of any spelling of an address (decimal, octal, short). Blocks; run off the loop."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NavigationError(f"The name {host} could not be resolved.") from error
    return tuple(dict.fromkeys(ipaddress.ip_address(str(item[4][0]).partition("%")[0]) for item in found))
