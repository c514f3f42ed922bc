"""Posting to an address somebody entered: to the public internet alone, without redirects, within a time.

The name is resolved once and the connection goes to an address that was checked, so a name that answers differently a
moment later leads nowhere else. No proxy of the environment is used, and nothing of the answer is followed.
"""

from __future__ import annotations

import http.client
import ipaddress
import re
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from infra_shared.bounded import TookTooLongError, call_within
from infra_shared.public_addresses import (
    METADATA_NAMES,
    IpAddress,
    addresses_of,
    complaint_about,
    is_listed,
    written,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

SETTING_NAME = "ALERT_ALLOW_PRIVATE"
_PORTS = {"http": 80, "https": 443}
_READ_BYTES = 1_000
_GONE = 410
_SUCCESS = range(200, 300)
_REDIRECTS = range(300, 400)
_AMBIGUOUS = re.compile(r"[\x00-\x20\x7f\\]")
_LONGEST_PAUSE_SECONDS = 3600


class PostError(Exception):
    """What was posted did not arrive. `permanent`: the receiver wants nothing more, now or later."""

    def __init__(self, message: str, *, permanent: bool = False, retry_after_seconds: int = 0) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True, slots=True)
class _Target:
    host: str
    port: int
    is_encrypted: bool
    path: str


def post(
    url: str, body: bytes, headers: Mapping[str, str], *, allowed: Collection[str], seconds: float = 10
) -> None:
    """Post the body and return when it was answered with a 2xx; PostError when it was not, within so many seconds.

    `allowed` lists private places as host:port; only those may be reached without TLS too.
    """
    target = _read(url, allowed)
    connections: list[_Connection] = []

    def work() -> None:
        connection = _connected(target, allowed, seconds)
        connections.append(connection)
        try:
            _exchange(connection, target, body, headers)
        finally:
            connection.close()

    try:
        call_within(seconds, work)
    except (TookTooLongError, TimeoutError):  # the whole took too long, or one wait for the socket did
        for connection in connections:
            connection.abort()  # ends the thread that reads from it
        raise PostError(f"{target.host} did not answer within {seconds:g} seconds.") from None
    except (OSError, http.client.HTTPException) as error:
        raise PostError(f"{target.host} could not be reached: {type(error).__name__}: {error}.") from error


def complaint_about_url(url: str, *, allowed: Collection[str]) -> str:
    """Why nothing can be posted to this URL, as far as can be said without asking for its name; "" when it may be."""
    try:
        target = _read(url, allowed)
        for address in _literal(target.host):
            _check(target, address, allowed)
    except PostError as error:
        return str(error)
    return ""


def _read(url: str, allowed: Collection[str]) -> _Target:
    """The parts of a URL; PostError, which never repeats the URL, when it is none that may be posted to."""
    if _AMBIGUOUS.search(url):
        raise PostError("The address contains spaces or characters that no address must contain.")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip(".").lower(), parts.port
    except ValueError:
        raise PostError("This is not a valid address.") from None
    if parts.scheme not in _PORTS or not host:
        raise PostError("Write an address such as https://example.org/hooks/alerts.")
    if parts.username is not None or parts.password is not None:
        raise PostError("The address carries a sign-in; put what identifies you into its path instead.")
    if host in METADATA_NAMES:
        raise PostError(f"{host} is a metadata service; it is never opened.")
    port = port or _PORTS[parts.scheme]
    if parts.scheme == "http" and not is_listed(host, port, allowed):
        place = written(host, port)
        raise PostError(
            f"Use https: without it others can read along. To allow it, add {place} to {SETTING_NAME}."
        )
    path = parts.path or "/"
    return _Target(host, port, parts.scheme == "https", f"{path}?{parts.query}" if parts.query else path)


def _literal(host: str) -> tuple[IpAddress, ...]:
    try:
        return (ipaddress.ip_address(host),)
    except ValueError:
        return ()


def _check(target: _Target, address: IpAddress, allowed: Collection[str]) -> None:
    complaint = complaint_about(target.host, target.port, address, allowed=allowed, setting_name=SETTING_NAME)
    if complaint:
        raise PostError(complaint)


class _Connection(http.client.HTTPConnection):
    """A connection to one checked address, encrypted under the name it was asked for."""

    def __init__(self, target: _Target, address: IpAddress, seconds: float) -> None:
        super().__init__(target.host, target.port, timeout=seconds)
        self.default_port = _PORTS["https" if target.is_encrypted else "http"]
        self._target = target
        self._address = str(address)
        self._raw: socket.socket | None = None

    def connect(self) -> None:
        """Connect to the address, and encrypt where the URL says so."""
        self._raw = self.sock = socket.create_connection((self._address, self._target.port), self.timeout)
        if self._target.is_encrypted:
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(self._raw, server_hostname=self._target.host)

    def abort(self) -> None:
        """End it from another thread."""
        if self.sock is not None:
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it ended by itself meanwhile


def _connected(target: _Target, allowed: Collection[str], seconds: float) -> _Connection:
    """A connection to the first address of the name that takes one; every address has to be public."""
    try:
        addresses = addresses_of(target.host, target.port)
    except (OSError, UnicodeError):
        raise PostError(f"The name {target.host} could not be resolved.") from None
    for address in addresses:
        _check(target, address, allowed)
    for address in addresses[:-1]:
        connection = _Connection(target, address, seconds / len(addresses))
        try:
            connection.connect()
        except OSError:
            continue  # the next address is tried; the last one's error is the one reported
        return connection
    last = _Connection(target, addresses[-1], seconds)
    last.connect()
    return last


def _exchange(connection: _Connection, target: _Target, body: bytes, headers: Mapping[str, str]) -> None:
    connection.request("POST", target.path, body, dict(headers))
    answer = connection.getresponse()
    if answer.status in _SUCCESS:
        return
    said = answer.read(_READ_BYTES).decode("utf-8", "replace").strip()
    if answer.status in _REDIRECTS:
        raise PostError(
            f"{target.host} answered {answer.status}, a redirect, which is not followed: enter the final address."
        )
    pause = answer.getheader("Retry-After", "")
    raise PostError(
        f"{target.host} answered {answer.status}{f': {said}' if said else ''}",
        permanent=answer.status == _GONE,
        retry_after_seconds=min(int(pause), _LONGEST_PAUSE_SECONDS) if pause.isdecimal() else 0,
    )
