"""Which network addresses belong to the public internet: what a browser and an outgoing webhook both ask."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

METADATA_NAMES = frozenset(
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
_NOT_THE_INTERNET = (
    ipaddress.ip_network("::/96"),  # an IPv4 address inside, as RFC 4291 once had it
    ipaddress.ip_network("64:ff9b:1::/48"),  # NAT64 inside one network (RFC 8215): leads to any address of it
)


def complaint_about(
    host: str, port: int, address: IpAddress, *, allowed: Collection[str], setting_name: str
) -> str:
    """Why an address that `host` leads to must not be connected to; "" when it may be.

    Link-local and metadata addresses are refused always; private and loopback ones unless `allowed` lists them as
    host:port, by name or by address.
    """
    real = unwrap(address)
    if real.is_link_local or real in _METADATA_ADDRESSES:
        return f"{host} leads to {real}, a link-local or metadata address; these are never opened."
    if _is_public(real):
        return ""
    if is_listed(host, port, allowed) or is_listed(str(real), port, allowed):
        return ""
    place = written(host, port)
    return f"{place} is a private or loopback address; to allow it, add {place} to {setting_name}."


def _is_public(address: IpAddress) -> bool:
    """Whether it belongs to the internet's unicast space. Python calls some reserved and retired ranges global."""
    retired = isinstance(address, ipaddress.IPv6Address) and (
        address.is_site_local or any(address in network for network in _NOT_THE_INTERNET)
    )
    return address.is_global and not (address.is_multicast or address.is_reserved or retired)


def is_listed(host: str, port: int, allowed: Collection[str]) -> bool:
    """Whether a list of host:port entries holds this host and port, an IPv6 address with or without brackets."""
    spellings = {f"{host}:{port}", f"[{host}]:{port}"}
    return not spellings.isdisjoint(item.lower() for item in allowed)


def written(host: str, port: int) -> str:
    """Host and port as one writes them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def unwrap(address: IpAddress) -> IpAddress:
    """The IPv4 address inside an IPv6 one (mapped, 6to4, NAT64, Teredo), else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


def addresses_of(host: str, port: int) -> tuple[IpAddress, ...]:
    """Every address of a name or of any spelling of an address; OSError or UnicodeError when it has none. Blocks."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(ipaddress.ip_address(str(item[4][0]).partition("%")[0]) for item in found))
