"""Signing a webhook as its sender would, for trying a source out. Checking signatures is the edge's work."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from intake.errors import CannotSignError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_STANDARD_PREFIX = "whsec_"
_ALGORITHMS = ("sha1", "sha256", "sha384", "sha512")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One webhook about to be sent: `delivery_id` tells it from others, `timestamp` is in Unix seconds."""

    body: bytes
    secret: str
    delivery_id: str
    timestamp: int
    event_type: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


def sender_headers(scheme: str, delivery: Delivery) -> dict[str, str]:
    """The headers a sender of this scheme would send; CannotSignError for a scheme that cannot be imitated."""
    sign = _SCHEMES.get(scheme)
    if sign is None:
        raise CannotSignError(f"Webhooks of the scheme {scheme!r} cannot be signed here.")
    return sign(delivery)


def _standard(delivery: Delivery) -> dict[str, str]:
    # https://www.standardwebhooks.com: base64 of HMAC-SHA256 over id, timestamp and body; the key is base64 itself.
    text = delivery.secret.removeprefix(_STANDARD_PREFIX)
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise CannotSignError("A secret of Standard Webhooks is whsec_ and base64.") from None
    signed = f"{delivery.delivery_id}.{delivery.timestamp}.".encode() + delivery.body
    return {
        "webhook-id": delivery.delivery_id,
        "webhook-timestamp": str(delivery.timestamp),
        "webhook-signature": f"v1,{_base64(hmac.digest(key, signed, 'sha256'))}",
    }


def _github(delivery: Delivery) -> dict[str, str]:
    return {
        "X-GitHub-Event": delivery.event_type or "push",
        "X-GitHub-Delivery": delivery.delivery_id,
        "X-Hub-Signature-256": f"sha256={_hex(delivery.secret, delivery.body)}",
    }


def _stripe(delivery: Delivery) -> dict[str, str]:
    signed = f"{delivery.timestamp}.".encode() + delivery.body
    return {"Stripe-Signature": f"t={delivery.timestamp},v1={_hex(delivery.secret, signed)}"}


def _slack(delivery: Delivery) -> dict[str, str]:
    signed = f"v0:{delivery.timestamp}:".encode() + delivery.body
    return {
        "X-Slack-Request-Timestamp": str(delivery.timestamp),
        "X-Slack-Signature": f"v0={_hex(delivery.secret, signed)}",
    }


def _shopify(delivery: Delivery) -> dict[str, str]:
    return {
        "X-Shopify-Topic": delivery.event_type or "orders/create",
        "X-Shopify-Webhook-Id": delivery.delivery_id,
        "X-Shopify-Hmac-SHA256": _base64(hmac.digest(delivery.secret.encode(), delivery.body, "sha256")),
    }


def _hmac(delivery: Delivery) -> dict[str, str]:
    options = delivery.options
    algorithm = str(options.get("algorithm", "sha256"))
    if algorithm not in _ALGORITHMS or not options.get("header"):
        raise CannotSignError(f"The source's options need a header and one of {', '.join(_ALGORITHMS)}.")
    digest = hmac.digest(delivery.secret.encode(), _filled(delivery), algorithm)
    text = _base64(digest) if options.get("encoding") == "base64" else digest.hex()
    headers = {str(options["header"]): f"{options.get('prefix', '')}{text}"}
    if options.get("timestamp_header"):
        headers[str(options["timestamp_header"])] = str(delivery.timestamp)
    if options.get("id_header"):
        headers[str(options["id_header"])] = delivery.delivery_id
    return headers


def _filled(delivery: Delivery) -> bytes:
    """What is signed: the template with its parts put in; the body as its bytes, whatever they are."""
    template = str(delivery.options.get("template") or "{body}")
    before, _, after = template.partition("{body}")
    return _text(before, delivery) + delivery.body + _text(after, delivery)


def _text(part: str, delivery: Delivery) -> bytes:
    return part.replace("{timestamp}", str(delivery.timestamp)).replace("{id}", delivery.delivery_id).encode()


def _header(delivery: Delivery) -> dict[str, str]:
    return {str(delivery.options.get("header") or "X-Webhook-Key"): delivery.secret}


def _bearer(delivery: Delivery) -> dict[str, str]:
    return {"Authorization": f"Bearer {delivery.secret}"}


def _basic(delivery: Delivery) -> dict[str, str]:
    return {"Authorization": f"Basic {_base64(delivery.secret.encode())}"}


def _hex(secret: str, signed: bytes) -> str:
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


_SCHEMES: dict[str, Callable[[Delivery], dict[str, str]]] = {
    "standard": _standard,
    "github": _github,
    "stripe": _stripe,
    "slack": _slack,
    "shopify": _shopify,
    "hmac": _hmac,
    "header": _header,
    "bearer": _bearer,
    "basic": _basic,
}
