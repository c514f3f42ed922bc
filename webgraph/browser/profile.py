"""How the browser presents itself to a site, and which way it gets there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from infra_shared.secret_patterns import SENSITIVE_HEADERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PROXY_PORTS = {"http": 80, "https": 443, "socks5": 1080}
SIGN_IN_FIELDS = ("username", "password")
CERTIFICATE_FIELDS = ("certificate", "key")
"""PEM texts; a third field, `passphrase`, opens a key that is encrypted."""

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LOCALE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_BYPASS = re.compile(r"[\w.*:\[\]/-]+")
_SIGN_IN_KEYS = frozenset({"username", "user", "password", "passphrase", "key", "certificate"})


def _locale(value: str) -> str:
    if not _LOCALE.fullmatch(value):
        msg = f"{value!r} is no locale; write it like de-DE"
        raise ValueError(msg)
    return value


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (OSError, ValueError, KeyError) as error:  # all three, depending on what is wrong with it
        msg = f"{value!r} is no time zone; write it like Europe/Riga"
        raise ValueError(msg) from error
    return value


def _plain(value: str) -> str:
    if not value.strip() or not value.isprintable():
        msg = "it must be printable text on one line"
        raise ValueError(msg)
    return value


def _headers(value: dict[str, str]) -> dict[str, str]:
    for name, text in value.items():
        if not _HEADER_NAME.fullmatch(name) or not text.isprintable():
            msg = f"{name!r} is no header with a value of one printable line"
            raise ValueError(msg)
        if name.lower() in SENSITIVE_HEADERS:
            msg = f"{name} would be kept in plain text; sign in with `http_basic`, or on a page, by a credential"
            raise ValueError(msg)
    return value


def _server(value: str) -> str:
    parts = _split(value)
    if parts.scheme not in PROXY_PORTS or not parts.hostname or parts.path.strip("/") or parts.query:
        msg = "write it like http://proxy.example:3128; https:// and socks5:// are possible too"
        raise ValueError(msg)
    return value.rstrip("/")


def _origin(value: str) -> str:
    parts = _split(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        msg = "write an origin like https://shop.example, without a path"
        raise ValueError(msg)
    return value.rstrip("/").lower()


def _secure_origin(value: str) -> str:
    origin = _origin(value)
    if not origin.startswith("https://"):
        msg = "a client certificate is shown over https:// alone"
        raise ValueError(msg)
    return origin


def _split(value: str) -> Any:
    parts = urlsplit(value)
    if parts.username is not None or parts.password is not None:
        msg = "a sign-in never stands here; name its credential: `credential: NAME`"
        raise ValueError(msg)
    _ = parts.port  # raises ValueError where it is no number
    return parts


def _bypassed(value: tuple[str, ...]) -> tuple[str, ...]:
    for item in value:
        if not _BYPASS.fullmatch(item):
            msg = f"{item!r} is no host; write it like intranet.example or *.example"
            raise ValueError(msg)
    return value


CredentialName = Annotated[str, Field(min_length=1, max_length=100)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _without_secrets(cls, data: Any) -> Any:
        given = sorted(_SIGN_IN_KEYS & data.keys()) if isinstance(data, dict) else []
        if given:
            msg = f"{given[0]!r} never stands here; name its credential: `credential: NAME`"
            raise ValueError(msg)
        return data


class Viewport(_Part):
    """The visible area of a page, in CSS pixels."""

    width: int = Field(default=1280, ge=200, le=7680)
    height: int = Field(default=800, ge=200, le=4320)


class ProxyServer(_Part):
    """The proxy that every request goes through."""

    server: Annotated[str, AfterValidator(_server)] = Field(
        description="Such as `http://proxy.example:3128`; `https://` and `socks5://` are possible too."
    )
    bypass: Annotated[tuple[str, ...], AfterValidator(_bypassed)] = Field(
        default=(), description="Hosts that are reached without it, such as `*.intranet.example`."
    )
    credential: CredentialName | None = Field(
        default=None, description="The credential with `username` and `password`, for a proxy that asks."
    )

    @property
    def host_and_port(self) -> tuple[str, int]:
        """Where it listens."""
        parts = urlsplit(self.server)
        return parts.hostname or "", parts.port or PROXY_PORTS[parts.scheme]


class HttpBasic(_Part):
    """A sign-in by HTTP Basic authentication, shown to one origin alone."""

    origin: Annotated[str, AfterValidator(_origin)] = Field(description="Such as `https://shop.example`.")
    credential: CredentialName = Field(description="The credential with `username` and `password`.")


class ClientCertificate(_Part):
    """A certificate the browser proves itself with. Other https origins than these cannot be reached beside it."""

    origins: Annotated[tuple[Annotated[str, AfterValidator(_secure_origin)], ...], Field(min_length=1)] = (
        Field(description="Every https origin that is needed; the certificate is shown where the site asks.")
    )
    credential: CredentialName = Field(
        description="The credential with `certificate` and `key` as PEM texts, and `passphrase` for an encrypted key."
    )


class BrowserProfile(_Part):
    """What an automation declares about its browser; recorded with each attempt.

    Everything left out is the browser's own default. Secrets are named as credentials and never stand in it.
    """

    locale: Annotated[str, AfterValidator(_locale)] | None = Field(default=None, description="Such as de-DE.")
    timezone: Annotated[str, AfterValidator(_time_zone)] | None = Field(
        default=None, description="Such as Europe/Riga."
    )
    viewport: Viewport = Viewport()
    user_agent: Annotated[str, AfterValidator(_plain)] | None = None
    extra_headers: Annotated[dict[str, str], AfterValidator(_headers)] = Field(
        default_factory=dict, description="Sent with every request; nothing secret."
    )
    proxy: ProxyServer | None = None
    http_basic: HttpBasic | None = None
    client_certificate: ClientCertificate | None = None
    service_workers: bool = Field(
        default=False,
        description="Whether pages may install service workers, which they need for some web applications only.",
    )

    def credentials(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """Part, credential and the fields it must have, for each credential that is needed."""
        if self.proxy is not None and self.proxy.credential is not None:
            yield "proxy", self.proxy.credential, SIGN_IN_FIELDS
        if self.http_basic is not None:
            yield "http_basic", self.http_basic.credential, SIGN_IN_FIELDS
        if self.client_certificate is not None:
            yield "client_certificate", self.client_certificate.credential, CERTIFICATE_FIELDS

    def undeclared(self, credentials: Iterable[str]) -> list[tuple[str, str]]:
        """Part and credential where an automation does not list the credential among those it needs."""
        listed = set(credentials)
        return [(part, name) for part, name, _ in self.credentials() if name not in listed]

    def as_json(self) -> dict[str, Any]:
        """The profile as recorded with an attempt: only what was declared, plus the viewport."""
        shown = self.model_dump(mode="json", exclude_none=True)
        return {name: value for name, value in shown.items() if value}
