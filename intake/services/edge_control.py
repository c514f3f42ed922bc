"""Orders to the edge Worker: signed requests to its control endpoints, with short times and clear errors.

The Worker writes its own stores, so it is the same path on one machine and deployed, and nothing here knows how it is
hosted.
"""

from __future__ import annotations

import http.client
import json
import ssl
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

from django.conf import settings

from infra_shared.bounded import TookTooLongError, call_within
from infra_shared.clock import utc_now
from intake.errors import EdgeUnreachableError
from intake.services.addresses import worker_url
from intake.signatures.edge import Purpose, signed_headers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from intake.signatures.edge import EdgeKey

ANSWER_SECONDS = 20
_MAX_ANSWER_BYTES = 16 * 1024 * 1024
_TOLD_BYTES = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered."""

    status: int
    body: bytes


def control_key() -> EdgeKey:
    """The key that signs orders; EdgeUnreachableError where none is set."""
    if not settings.EDGE_CONTROL_KEYS:
        raise EdgeUnreachableError("EDGE_CONTROL_KEYS is not set; the Worker takes signed orders alone.")
    key: EdgeKey = settings.EDGE_CONTROL_KEYS[0]
    return key


def order(path: str, what: Mapping[str, Any], *, seconds: float = ANSWER_SECONDS) -> dict[str, Any]:
    """What the Worker answers to an order at `/control/{path}`; EdgeUnreachableError when it did not do it."""
    url, body = worker_url(), json.dumps(what).encode()
    if not url:
        raise EdgeUnreachableError("EDGE_WORKER_URL is not set: there is no edge Worker to speak to.")
    signed = signed_headers(
        purpose=Purpose.CONTROL, key=control_key(), batch=str(uuid4()), body=body, now=utc_now()
    )
    answer = send(
        f"{url}/control/{path}", body, {"Content-Type": "application/json", **signed}, seconds=seconds
    )
    if answer.status != HTTPStatus.OK:
        raise EdgeUnreachableError(_why(answer))
    try:
        told = json.loads(answer.body)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise EdgeUnreachableError(
            "What answered at EDGE_WORKER_URL is not the edge Worker: it sent no JSON object."
        )
    return told


def send(url: str, body: bytes, headers: Mapping[str, str], *, seconds: float = ANSWER_SECONDS) -> Answer:
    """POST a body and return the answer, whatever its status; EdgeUnreachableError when there was none in time.

    The address is the operator's own setting, so it may be private. Redirects are not followed.
    """
    parts = urlsplit(url)
    place = parts.netloc

    def work() -> Answer:
        connection = _connection(url, seconds)
        try:
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", path or "/", body, dict(headers))
            response = connection.getresponse()
            return Answer(response.status, response.read(_MAX_ANSWER_BYTES))
        finally:
            connection.close()

    try:
        return call_within(seconds, work)
    except TookTooLongError:
        raise EdgeUnreachableError(f"{place} did not answer within {seconds:g} seconds.") from None
    except (OSError, http.client.HTTPException) as error:
        raise EdgeUnreachableError(
            f"{place} could not be reached: {type(error).__name__}: {error}."
        ) from error


def _connection(url: str, seconds: float) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    if parts.scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=seconds, context=context)
    return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=seconds)


def _why(answer: Answer) -> str:
    if answer.status == HTTPStatus.UNAUTHORIZED:
        return "The Worker does not know the key: compare EDGE_CONTROL_KEYS, and the clocks, on both sides."
    if answer.status == HTTPStatus.NOT_FOUND:
        return "The Worker knows no such order: is EDGE_WORKER_URL its address, and its version the same as here?"
    told = answer.body[:_TOLD_BYTES].decode("utf-8", "replace").strip()
    return f"The Worker answered {answer.status}{f': {told}' if told else ''}"
