"""The check of requests that the edge Worker signs: `auth=EdgeAuth(Purpose.BATCH)`.

What can be refused without the body is refused before it is read, the body is read up to a limit, and nothing of it is
parsed before its signature was compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.http import HttpRequest
from ninja.security import APIKeyHeader

from infra_shared.clock import utc_now
from intake.errors import BatchTooLargeError, EdgeSignatureError
from intake.signatures.edge import SIGNATURE_HEADER, Purpose, read_claim, usable_key, verify

if TYPE_CHECKING:
    from datetime import datetime

MAX_REQUEST_BYTES = 16 * 1024 * 1024
"""A body of 10 MB is 13.4 MB in base64. Django's own limit (DATA_UPLOAD_MAX_MEMORY_SIZE) stays for all other endpoints."""
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Signed:
    """A request of the edge that was proved: its body and when it was checked."""

    body: bytes
    at: datetime


class EdgeRequest(HttpRequest):
    """A request that passed the check; `auth` holds its body."""

    auth: Signed


class EdgeAuth(APIKeyHeader):
    """Lets a request through that a key of EDGE_KEYS signed for this purpose, now."""

    param_name = SIGNATURE_HEADER
    openapi_description = "HMAC-SHA256 of the request by a key the edge Worker shares with this server."

    def __init__(self, purpose: Purpose) -> None:
        self.purpose = purpose
        super().__init__()

    def authenticate(self, request: HttpRequest, _signature: str | None) -> Signed:
        """The request's body; raises EdgeSignatureError or BatchTooLargeError."""
        now = utc_now()
        try:
            claim = read_claim(request.headers)
            key = usable_key(claim, settings.EDGE_KEYS, now)
            body = _bounded_body(request)
            verify(purpose=self.purpose, claim=claim, key=key, body=body)
        except EdgeSignatureError as error:
            _log.warning("edge_request_refused", purpose=self.purpose.value, reason=str(error))
            raise
        return Signed(body, now)


def _bounded_body(request: HttpRequest) -> bytes:
    """The body, past Django's limit for it and up to the edge's own."""
    told = request.headers.get("Content-Length", "")
    if told.isdecimal() and int(told) > MAX_REQUEST_BYTES:
        raise _too_large()
    body: bytes = request.read(MAX_REQUEST_BYTES + 1)
    if len(body) > MAX_REQUEST_BYTES:
        raise _too_large()
    return body


def _too_large() -> BatchTooLargeError:
    return BatchTooLargeError(f"A request of the edge may have {MAX_REQUEST_BYTES} bytes. Send less at once.")
