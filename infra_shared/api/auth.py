"""The key check of every endpoint: `auth=ApiKeyAuth(Scope.RUNS_READ)`.

Three limits meet here: 401 for what is no usable key, 403 for a key without the scope, 429 for one that asks too
often. What a key cannot reach is decided by each endpoint's query, and answers 404.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.http import HttpRequest
from ninja.security import APIKeyHeader

from infra_shared.api.addresses import client_address
from infra_shared.api.problems import NoKeyError, ScopeMissingError, TooManyRequestsError
from infra_shared.services import rate_limits
from infra_shared.services.api_keys import ApiKeyRefusedError, authenticate, touch_last_used

if TYPE_CHECKING:
    from infra_shared.models import ApiKey
    from infra_shared.scopes import Scope

HEADER = "X-API-Key"
_MINUTE_SECONDS = 60
_log = structlog.get_logger(__name__)


class ApiRequest(HttpRequest):
    """A request that passed the key check; `auth` is its key."""

    auth: ApiKey


def actor_of(request: ApiRequest) -> str:
    """Who asks, as logs and the audit name it."""
    return f"caller:{request.auth.caller.name}"


class ApiKeyAuth(APIKeyHeader):
    """Lets a request through whose key is good, carries `scope`, and is within its rate."""

    param_name = HEADER
    openapi_description = "An API key, as an operator issued it. Each endpoint names the scope it needs."

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        super().__init__()

    def authenticate(self, request: HttpRequest, key: str | None) -> ApiKey:
        """The key with its caller; raises for every other case."""
        found = _checked(request, key)
        structlog.contextvars.bind_contextvars(caller=found.caller.name, key_id=found.public_id)
        _count_use(found)
        if not found.may(self.scope):
            raise ScopeMissingError(f"This API key does not carry the scope {self.scope.value!r}.")
        touch_last_used(key=found)
        return found


def _checked(request: HttpRequest, plaintext: str | None) -> ApiKey:
    try:
        return _key(plaintext)
    except (NoKeyError, ApiKeyRefusedError) as error:
        _count_failure(client_address(request), error)
        raise


def _key(plaintext: str | None) -> ApiKey:
    if not plaintext:
        raise NoKeyError(f"Send your API key in the header {HEADER}.")
    return authenticate(plaintext)


def _count_failure(address: str, error: Exception) -> None:
    """Count a failed check under the caller's address, and refuse further ones when there were too many.

    Only failures are refused: 256 random bits are not guessed, and behind one office's address a colleague's typo
    must not lock out a good key. Above the limit nothing is written, so a flood costs reads alone.
    """
    key, limit = f"api-failure:{address}", settings.API_FAILURES_PER_MINUTE
    decision = rate_limits.peek(key, limit=limit, per_seconds=_MINUTE_SECONDS)
    if decision.allowed:
        decision = rate_limits.hit(key, limit=limit, per_seconds=_MINUTE_SECONDS)
    _log.info("api_key_refused", address=address, reason=str(error), limited=not decision.allowed)
    if not decision.allowed:
        raise TooManyRequestsError(
            "Too many requests without a usable API key came from this address.",
            retry_after_seconds=decision.retry_after_seconds,
        ) from error


def _count_use(key: ApiKey) -> None:
    limit = settings.API_RATE_PER_MINUTE
    decision = rate_limits.hit(f"api-key:{key.public_id}", limit=limit, per_seconds=_MINUTE_SECONDS)
    if not decision.allowed:
        raise TooManyRequestsError(
            f"This API key may make {limit} requests a minute.",
            retry_after_seconds=decision.retry_after_seconds,
        )
