"""Sending a webhook as its sender would, to see a source work from end to end."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.conf import settings

from infra_shared.clock import utc_now
from intake.errors import CannotSignError, EdgeUnreachableError
from intake.models import KeyKind
from intake.services.addresses import origin_url, worker_url
from intake.services.edge_control import send
from intake.signatures.edge import Purpose, fingerprint, signed_headers
from intake.signatures.senders import Delivery, sender_headers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from intake.models import Source

CONTENT_TYPE = "application/json"
_STAY_HERE = frozenset({"authorization"})


@dataclass(frozen=True, slots=True)
class Sent:
    """Where a webhook went and what became of it. `through_edge` False: straight to this server, without a Worker."""

    url: str
    through_edge: bool
    delivery_id: str
    is_accepted: bool
    said: str


def send_webhook(
    *, source: Source, body: bytes, event_type: str = "", delivery_id: str = "", edge_url: str = ""
) -> Sent:
    """Sign a body with the source's newest secret and send it to the Worker, or without one as a batch to this server.

    `edge_url` is the Worker's address where it is another one than usual. The same delivery id twice is one event.
    CannotSignError when the source has no secret or a scheme that cannot be imitated; EdgeUnreachableError when
    nothing answers.
    """
    now = utc_now()
    secret = _secret(source, now)
    delivery = Delivery(
        body=body,
        secret=secret,
        delivery_id=delivery_id or str(uuid4()),
        timestamp=int(now.timestamp()),
        event_type=event_type,
        options=source.options,
    )
    headers = {
        "Content-Type": CONTENT_TYPE,
        "User-Agent": "hooks-send",
        **sender_headers(source.scheme, delivery),
    }
    edge = edge_url.rstrip("/") or worker_url()
    if edge:
        return _through_edge(f"{edge}/hooks/{source.slug}", delivery, headers)
    return _as_batch(source, delivery, headers, now)


def _secret(source: Source, now: datetime) -> str:
    newest = source.secrets.valid_at(now).first()
    if newest is None:
        raise CannotSignError(f"The source {source.slug!r} has no valid secret; rotate it.")
    return str(newest.secret.reveal())


def _through_edge(url: str, delivery: Delivery, headers: Mapping[str, str]) -> Sent:
    answer = send(url, delivery.body, headers)
    said = answer.body[:300].decode("utf-8", "replace").strip()
    is_accepted = answer.status in (HTTPStatus.ACCEPTED, HTTPStatus.OK)
    return Sent(url, True, delivery.delivery_id, is_accepted, f"{answer.status} {said}".strip())


def _as_batch(source: Source, delivery: Delivery, headers: Mapping[str, str], now: datetime) -> Sent:
    """What the Worker would make of it, signed with its key."""
    if not settings.EDGE_KEYS:
        raise EdgeUnreachableError(
            "There is no edge Worker (EDGE_WORKER_URL) and no key to stand in for it (EDGE_KEYS)."
        )
    key = settings.EDGE_KEYS[0]
    content = json.dumps({"v": 1, "messages": [_message(source, delivery, headers, now)]}).encode()
    signed = signed_headers(purpose=Purpose.BATCH, key=key, batch=str(uuid4()), body=content, now=now)
    url = f"{origin_url()}/api/v1/intake/batch"
    answer = send(url, content, {"Content-Type": CONTENT_TYPE, **signed})
    status, reason = _verdict(answer.body)
    is_accepted = answer.status == HTTPStatus.OK and status in ("accepted", "duplicate")
    return Sent(url, False, delivery.delivery_id, is_accepted, f"{answer.status} {status} {reason}".strip())


def _message(source: Source, delivery: Delivery, headers: Mapping[str, str], now: datetime) -> dict[str, Any]:
    digest = hashlib.sha256(delivery.body).hexdigest()
    kept = [[name.lower(), value] for name, value in headers.items() if _is_kept(name, delivery)]
    prints = [fingerprint(key=key, secret=delivery.secret) for key in settings.EDGE_CONTROL_KEYS[:1]]
    return {
        "id": str(uuid4()),
        "source": source.slug,
        "key": f"delivery:{delivery.delivery_id}",
        "key_kind": KeyKind.DELIVERY.value,
        "received_at": now.isoformat(timespec="milliseconds"),
        "content_type": CONTENT_TYPE,
        "headers": kept,
        "query": "",
        "size": len(delivery.body),
        "sha256": digest,
        "scheme": source.scheme,
        "edge_attempts": 1,
        "secret": "".join(prints),
        "body": base64.b64encode(delivery.body).decode("ascii"),
    }


def _is_kept(name: str, delivery: Delivery) -> bool:
    plain = name.lower()
    own = str(delivery.options.get("header", "")).lower()
    return plain not in _STAY_HERE and plain != own and "signature" not in plain and "hmac" not in plain


def _verdict(body: bytes) -> tuple[str, str]:
    try:
        told = json.loads(body)["results"][0]
        return str(told["status"]), str(told.get("reason", ""))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return "", body[:300].decode("utf-8", "replace").strip()
