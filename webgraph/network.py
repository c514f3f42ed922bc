"""Which addresses a browser may open: the public web, and private hosts only where an installation lists them."""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from infra_shared.public_addresses import METADATA_NAMES, IpAddress, addresses_of, complaint_about
from webgraph.errors import AddressRefusedError, NavigationError, WebGraphError

Gate = Callable[[str], Awaitable[None]]
Verdict = Callable[[str], WebGraphError | None]

_PORTS = {"http": 80, "https": 443}
# A browser drops or rewrites these, other parsers do not: nothing may hide in the difference.
_AMBIGUOUS = re.compile(r"[\x00-\x20\x7f\\]")
# RFC 3986, section 3.2: what stands between "//" and "@", before any slash.
_SIGN_IN = re.compile(r"^([a-zA-Z][a-zA-Z0-9+.-]*://)[^/?#]*@")


def _nothing(_url: str) -> None:
    """Nobody was asked to reach anything yet."""


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Refuses what a browser of this installation must not open.

    Link-local and metadata addresses are refused always; private and loopback ones unless `allowed` lists them as
    host:port. Names are resolved and every address counts. Two ask it: who is about to open a page, to say at once why
    that cannot be (`check`); and the proxy every request of the browser passes, which connects to nothing but the
    addresses it was given here (`judged`), so that a name that answers differently a moment later leads nowhere else.
    """

    allowed: tuple[str, ...] = ()
    setting_name: str = "BROWSER_ALLOW_PRIVATE"
    proxied: bool = False
    """Whether requests leave through a proxy, which may know names that are unknown on this machine."""
    gates: tuple[Gate, ...] = ()
    """What else a browser profile demands of an address, asked in this order."""
    verdict: Verdict = _nothing
    """Why the browser could not reach the host of a URL, as far as the proxy it goes through knows."""

    async def check(self, url: str) -> None:
        """Raise AddressRefusedError when the URL may not be opened, NavigationError when its name is unknown."""
        await self.judged(*self._host_and_port(url))
        for gate in self.gates:
            await gate(url)

    async def judged(self, host: str, port: int) -> tuple[IpAddress, ...]:
        """Every address a host has now, resolved once, all of which may be connected to; raises as `check` does.

        Empty for a name that is unknown on this machine, where requests leave through a proxy that may know it.
        """
        host = host.rstrip(".").lower()
        if host in METADATA_NAMES:
            raise AddressRefusedError(f"{host} is a metadata service; it is never opened.")
        addresses = _written(host) or await self._addresses(host, port)
        for address in addresses:
            self._check_address(host, port, address)
        return addresses

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
        return host, port or _PORTS[parts.scheme]

    def _check_address(self, host: str, port: int, address: IpAddress) -> None:
        complaint = complaint_about(host, port, address, allowed=self.allowed, setting_name=self.setting_name)
        if complaint:
            raise AddressRefusedError(complaint)


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
        return addresses_of(host, port)
    except (OSError, UnicodeError) as error:
        raise NavigationError(f"The name {host} could not be resolved.") from error
