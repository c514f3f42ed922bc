"""Where a request comes from, as far as this installation can know."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from django.http import HttpRequest

_IPV6_SITE_BITS = 64
UNKNOWN = "unknown"


def client_address(request: HttpRequest) -> str:
    """The address to count a request under; see `address_behind`."""
    return address_behind(
        request.META.get("REMOTE_ADDR", ""),
        request.headers.get("X-Forwarded-For", ""),
        proxies=settings.TRUSTED_PROXIES,
    )


def address_behind(peer: str, forwarded_for: str, *, proxies: int) -> str:
    """The caller's address when `proxies` trusted ones stand in front; an IPv6 address as its /64 network.

    Each proxy appends whom it saw, so only that many entries from the right are true and the rest is what the caller
    wrote. With no proxy, or a header too short or malformed, it is the peer. A whole /64 is one caller: who has one
    address of it has them all.
    """
    hops = [hop.strip() for hop in forwarded_for.split(",")] if forwarded_for else []
    wanted = hops[-proxies] if 0 < proxies <= len(hops) else peer
    address = _parsed(wanted) or _parsed(peer)
    if address is None:
        return UNKNOWN  # a server on a Unix socket knows no address
    if isinstance(address, IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network((int(address), _IPV6_SITE_BITS), strict=False))


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except (AddressValueError, ValueError):
        return None
    return address
