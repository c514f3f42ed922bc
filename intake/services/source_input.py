"""What a person, a script or a command says of a source, and what can be wrong with it."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from automations.errors import FieldProblem
from intake.errors import ExpressionError
from intake.matching.expressions import compiled
from intake.models import (
    DEFAULT_TOLERANCE_SECONDS,
    DEFAULT_WINDOW_SECONDS,
    MAX_BODY_BYTES,
    Rate,
    Scheme,
    Source,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from automations.models import Customer

_HEADER = re.compile(r"[A-Za-z0-9-]{1,100}")
_MEDIA_TYPE = re.compile(r"[a-z0-9.+*-]+/[a-z0-9.+*-]+")
_STANDARD_PREFIXES = ("whsec_", "whpk_")
_CREDENTIALS = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key"})
_SECRET_BYTES = 32
_SHORTEST_SECRET, _LONGEST_SECRET = 8, 500
_LONGEST_SECONDS = 24 * 3600
_CHOICES: dict[str, tuple[str, ...]] = {
    "algorithm": ("sha1", "sha256", "sha384", "sha512"),
    "encoding": ("hex", "base64"),
}
_OPTIONS: dict[str, frozenset[str]] = {
    Scheme.HMAC: frozenset(
        {"header", "algorithm", "encoding", "prefix", "template", "timestamp_header", "id_header"}
    ),
    Scheme.HEADER: frozenset({"header"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceInput:
    """What a person says of a source, but for its secrets."""

    slug: str
    customer: Customer
    scheme: str
    name: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    tolerance_seconds: int = DEFAULT_TOLERANCE_SECONDS
    window_seconds: int = DEFAULT_WINDOW_SECONDS
    key_header: str = ""
    type_header: str = ""
    type_path: str = ""
    ip_allow: list[str] = field(default_factory=list)
    rate: str = Rate.NORMAL
    max_bytes: int = MAX_BODY_BYTES
    content_types: list[str] = field(default_factory=list)
    is_enabled: bool = True


def input_of(source: Source) -> SourceInput:
    """What was said of a source, so that a caller can change a part of it."""
    return SourceInput(**{name: getattr(source, name) for name in SourceInput.__dataclass_fields__})


def problems_of_source(wanted: SourceInput) -> list[FieldProblem]:
    """Everything that does not fit; empty when it all does."""
    found = [
        *_problems_of_choices(wanted),
        *_problems_of_options(wanted.scheme, wanted.options),
        *_problems_of_places(wanted),
        *_problems_of_lists(wanted),
    ]
    return [FieldProblem(name, message) for name, message in found]


def problem_of_secret(scheme: str, secret: str) -> str:
    """What is wrong with a secret, without saying it; "" for nothing."""
    if not _SHORTEST_SECRET <= len(secret) <= _LONGEST_SECRET or not secret.isprintable():
        return f"A secret has {_SHORTEST_SECRET} to {_LONGEST_SECRET} printable characters."
    if scheme == Scheme.STANDARD and not _is_standard(secret):
        return "A secret of Standard Webhooks is whsec_ (or whpk_, for a public key) and base64."
    if scheme == Scheme.BASIC and not all(secret.partition(":")[::2]):
        return "Write user:password."
    return ""


def new_secret(scheme: str) -> str:
    """A fresh secret in the form the scheme's senders expect."""
    random = secrets.token_bytes(_SECRET_BYTES)
    if scheme == Scheme.STANDARD:
        return _STANDARD_PREFIXES[0] + base64.b64encode(random).decode()
    text = base64.urlsafe_b64encode(random).decode().rstrip("=")
    return f"webhook:{text}" if scheme == Scheme.BASIC else text


def _is_standard(secret: str) -> bool:
    prefix = next((item for item in _STANDARD_PREFIXES if secret.startswith(item)), None)
    if prefix is None:
        return False
    try:
        return bool(base64.b64decode(secret.removeprefix(prefix), validate=True))
    except binascii.Error:
        return False


def _problems_of_choices(wanted: SourceInput) -> Iterator[tuple[str, str]]:
    if wanted.scheme not in Scheme.values:
        yield "scheme", f"It is one of {', '.join(Scheme.values)}."
    if wanted.rate not in Rate.values:
        yield "rate", f"It is one of {', '.join(Rate.values)}."
    for name in ("tolerance_seconds", "window_seconds"):
        if not 1 <= getattr(wanted, name) <= _LONGEST_SECONDS:
            yield name, f"It lies between 1 and {_LONGEST_SECONDS}."
    if not 1 <= wanted.max_bytes <= MAX_BODY_BYTES:
        yield "max_bytes", f"It lies between 1 and {MAX_BODY_BYTES}."


def _problems_of_options(scheme: str, options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    known = _OPTIONS.get(scheme, frozenset())
    for name in sorted(set(options) - known):
        yield f"options.{name}", f"The scheme {scheme} has no such option."
    if "header" in known and not options.get("header"):
        yield "options.header", "Name the header that carries the signature or key."
    for name in sorted(known & set(options)):
        value = options[name]
        if not isinstance(value, str):
            yield f"options.{name}", "It is a text."
        elif name in _CHOICES and value not in _CHOICES[name]:
            yield f"options.{name}", f"It is one of {', '.join(_CHOICES[name])}."
        elif name.endswith("header") and value and not _HEADER.fullmatch(value):
            yield f"options.{name}", "It is the name of a header."
    if scheme == Scheme.HMAC:
        yield from _problems_of_template(options)


def _problems_of_template(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    template = str(options.get("template") or "{body}")
    if template.count("{body}") != 1:
        yield "options.template", "It names {body} once; {timestamp} and {id} may be in it."
    if ("{timestamp}" in template) != bool(options.get("timestamp_header")):
        # A time that is not signed proves nothing, and one that is signed must come from somewhere.
        yield "options.timestamp_header", "It and {timestamp} in the template need each other."
    if "{id}" in template and not options.get("id_header"):
        yield "options.id_header", "{id} in the template needs the header it comes in."


def _problems_of_places(wanted: SourceInput) -> Iterator[tuple[str, str]]:
    signature = str(wanted.options.get("header", "")).lower()
    for name in ("key_header", "type_header"):
        value = getattr(wanted, name)
        if value and not _HEADER.fullmatch(value):
            yield name, "It is the name of a header."
        elif value and value.lower() in {*_CREDENTIALS, signature}:
            yield name, "It holds a credential or a signature, which is never stored."
    if wanted.type_header and wanted.type_path:
        yield "type_path", "The type is found in a header or in the body, not in both."
    if wanted.type_path:
        try:
            compiled(wanted.type_path)
        except ExpressionError as error:
            yield "type_path", str(error)


def _problems_of_lists(wanted: SourceInput) -> Iterator[tuple[str, str]]:
    for entry in wanted.ip_allow:
        try:
            ipaddress.ip_network(entry)
        except ValueError:
            yield "ip_allow", f"{entry!r} is no network such as 192.0.2.0/24."
    for entry in wanted.content_types:
        if not _MEDIA_TYPE.fullmatch(entry):
            yield "content_types", f"{entry!r} is no content type such as application/json."
