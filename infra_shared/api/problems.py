"""Problem answers of RFC 9457: how they look, and the errors that carry their own."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import structlog
from django.http import JsonResponse
from ninja import Schema
from pydantic import Field

from infra_shared.ids import random_token

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CONTENT_TYPE = "application/problem+json"
REQUEST_ID_HEADER = "X-Request-ID"
_REQUEST_ID_LENGTH = 16
NOT_FIT = "The request does not fit; errors names each field."


class FieldError(Schema):
    """What is wrong with one field of a request."""

    field: str = Field(description="Dotted path, such as `params.url`.", examples=["params.url"])
    message: str = Field(examples=["Field required"])


class Problem(Schema):
    """Why a request was not done (RFC 9457)."""

    type: str = Field("about:blank", description="Always `about:blank`: status and detail say it all.")
    title: str = Field(examples=["Unprocessable Entity"])
    status: int = Field(examples=[422])
    detail: str = Field(description="What is wrong and what to do, for people.")
    request_id: str = Field("", description="Names the request in the server's log; also in `X-Request-ID`.")
    errors: list[FieldError] | None = Field(None, description="With 422: one entry for each field.")


class ApiError(Exception):
    """Base of what the API itself refuses; `status` is its HTTP status and the message its detail."""

    status = HTTPStatus.BAD_REQUEST
    errors: Sequence[FieldError] | None = None

    def __init__(self, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.headers = dict(headers or {})


class BadCursorError(ApiError):
    """The cursor is none of this list."""


class QueryInvalidError(ApiError):
    """The query holds what the endpoint does not take; `errors` has one entry for each parameter."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__(NOT_FIT)
        self.errors = errors


class NoKeyError(ApiError):
    """The request brings no API key."""

    status = HTTPStatus.UNAUTHORIZED


class ScopeMissingError(ApiError):
    """The key does not carry the scope."""

    status = HTTPStatus.FORBIDDEN


class NotFoundError(ApiError):
    """There is no such thing, or it is out of the caller's reach: both look the same."""

    status = HTTPStatus.NOT_FOUND


class TooManyRequestsError(ApiError):
    """A rate limit is used up."""

    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, detail: str, *, retry_after_seconds: int) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_seconds)})


def new_request_id() -> str:
    """An id for a request that brings none."""
    return random_token(_REQUEST_ID_LENGTH)


def problem_response(
    status: int,
    detail: str,
    *,
    errors: Sequence[FieldError] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JsonResponse:
    """The answer for one problem, never to be cached, with the request id that log lines carry."""
    request_id = structlog.contextvars.get_contextvars().get("request_id", "")
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
        "request_id": request_id,
    }
    if errors is not None:
        body["errors"] = [error.model_dump() for error in errors]
    response = JsonResponse(
        body,
        status=status,
        content_type=CONTENT_TYPE,
        headers={"Cache-Control": "no-store", REQUEST_ID_HEADER: request_id, **(headers or {})},
    )
    # Some of these are made above the middleware that would count.
    response.headers["Content-Length"] = str(len(response.content))
    return response
