"""Middleware that belongs to the whole server."""

from __future__ import annotations

import re
from http import HTTPStatus
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

import structlog
from django.utils.decorators import sync_and_async_middleware
from django.utils.deprecation import MiddlewareMixin

from config.api_errors import DATABASE_AWAY, RETRY_AFTER_SECONDS
from infra_shared.api.problems import (
    CONTENT_TYPE,
    REQUEST_ID_HEADER,
    new_request_id,
    problem_response,
)
from infra_shared.database import is_lock_or_connection_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

API_PREFIX = "/api/"
_WELL_FORMED_ID = re.compile(r"[0-9A-Za-z._-]{1,64}")
_KEPT_HEADERS = ("Allow", "Content-Range", "Accept-Ranges", "Retry-After")
_NO_SENSORS = ", ".join(
    f"{feature}=()"
    for feature in (
        "camera",
        "display-capture",
        "geolocation",
        "microphone",
        "midi",
        "payment",
        "serial",
        "usb",
    )
)
_DETAILS = {
    HTTPStatus.BAD_REQUEST: "The request is malformed, or was sent to a host name that is not in ALLOWED_HOSTS.",
    HTTPStatus.NOT_FOUND: "There is no such endpoint. The reference is at /api/v1/docs.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This endpoint does not take this method; Allow names those it takes.",
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: "The range lies outside the content.",
}


@sync_and_async_middleware
def request_id_middleware(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Gives each request an id, on every log line below and as X-Request-ID of the answer.

    A well-formed id that the caller sends is kept, so that logs on both sides name the same request.
    """
    if iscoroutinefunction(get_response):

        async def middleware_async(request: HttpRequest) -> HttpResponse:
            request_id = _begin(request)
            response: HttpResponse = await get_response(request)
            response[REQUEST_ID_HEADER] = request_id
            return response

        return middleware_async

    def middleware(request: HttpRequest) -> HttpResponse:
        request_id = _begin(request)
        response: HttpResponse = get_response(request)
        response[REQUEST_ID_HEADER] = request_id
        return response

    return middleware


def _begin(request: HttpRequest) -> str:
    sent = request.headers.get(REQUEST_ID_HEADER, "")
    request_id = sent if _WELL_FORMED_ID.fullmatch(sent) else new_request_id()
    # A thread serves one request after the other: what the last one bound must not stay.
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)
    return request_id


class ApiMiddleware(MiddlewareMixin):
    """What holds for every answer below /api/: it is never cached, and an error is a problem answer.

    The second is for what never reached an endpoint: unknown paths, wrong methods, bad hosts. The API's own problem
    answers pass.
    """

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Complete the answer, or replace it."""
        if not request.path_info.startswith(API_PREFIX):
            return response
        if (
            response.status_code >= HTTPStatus.BAD_REQUEST
            and response.headers["Content-Type"] != CONTENT_TYPE
        ):
            return _as_problem(response)
        # A shared cache knows that Authorization is personal, and does not know it of X-API-Key (RFC 9111, 3.5).
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def _as_problem(response: HttpResponse) -> HttpResponse:
    status = HTTPStatus(response.status_code)
    kept = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    return problem_response(status, _DETAILS.get(status, status.description or status.phrase), headers=kept)


class BrowserPolicyMiddleware(MiddlewareMixin):
    """What browsers may do with any answer of ours: no sensor, no payment, and no use on another site's pages."""

    def process_response(self, _request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Add the headers that the answer does not bring itself."""
        response.headers.setdefault("Permissions-Policy", _NO_SENSORS)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response


class DatabaseOutageMiddleware(MiddlewareMixin):
    """Answers 503 with Retry-After while the database is away or its write lock is held, instead of a traceback."""

    def process_exception(self, _request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Translate what the database driver raised; other exceptions stay as they are."""
        if not is_lock_or_connection_error(exception):
            return None
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        return problem_response(HTTPStatus.SERVICE_UNAVAILABLE, DATABASE_AWAY, headers=headers)
