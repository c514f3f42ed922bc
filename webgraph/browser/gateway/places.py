"""Where a request wants to go: a host and a port, and which of them are reached without the automation's proxy."""

from __future__ import annotations

import ipaddress
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Collection

_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}


class Place(NamedTuple):
    """A host as the browser names it, in lower case and without brackets, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        """As one writes it: an IPv6 address in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def place_of_url(url: str) -> Place:
    """The place behind a URL; ValueError when it names none."""
    parts = urlsplit(url)
    return _place(parts.hostname, parts.port or _PORTS.get(parts.scheme))


def place_of_authority(authority: str) -> Place:
    """The place that a tunnel is asked for, such as `shop.example:443`; ValueError when it is none."""
    parts = urlsplit(f"//{authority}")
    if parts.netloc != authority:
        msg = "a tunnel leads to a host and a port"
        raise ValueError(msg)
    return _place(parts.hostname, parts.port)


def is_bypassed(place: Place, patterns: Collection[str]) -> bool:
    """Whether a place is reached without the proxy, by patterns as Chromium writes them.

    A pattern is a host with `*` in it or not, a `.suffix`, an address or a network such as `10.0.0.0/8`; a scheme before
    it says nothing, a port behind it must be the place's.
    """
    return any(_fits(place, pattern.lower()) for pattern in patterns)


def _place(host: str | None, port: int | None) -> Place:
    if not host or not port:
        msg = "an address names a host and a port"
        raise ValueError(msg)
    return Place(host.lower(), port)


def _fits(place: Place, pattern: str) -> bool:
    rest = pattern.rpartition("://")[2]
    try:
        return ipaddress.ip_address(place.host) in ipaddress.ip_network(rest.strip("[]"))
    except ValueError:
        pass  # a name, or a pattern of names: compared as text
    host, colon, port = rest.rpartition(":")
    if colon and port.isdigit() and (":" not in host or host.endswith("]")):
        return int(port) == place.port and _fits(place, host)
    rest = rest.strip("[]")
    return fnmatchcase(place.host, f"*{rest}" if rest.startswith(".") else rest)
