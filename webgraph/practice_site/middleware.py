"""What wraps every request: its number, and the faults that strike it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import anyio
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from webgraph.practice_site.faults import (
    DELAY,
    DROP,
    RATE_LIMIT,
    SERVER_ERRORS,
    Fault,
    FaultSpellingError,
    parse_faults,
)

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from webgraph.practice_site.site import Site

EXEMPT_PREFIXES = ("/_truth", "/_control", "/static/", "/favicon.ico")
"""Neither counted nor struck: a test must always be able to read the truth and to end a fault."""


class RequestNumberMiddleware:
    """Counts requests and gives each an id, told in `X-Request-Id` and kept with what the request created."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self.app = app
        self.site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"].startswith(EXEMPT_PREFIXES):
            await self.app(scope, receive, send)
            return
        self.site.requests += 1
        request_id = f"req-{self.site.requests:06d}"
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        await self.app(scope, receive, send_with_id)


class FaultMiddleware:
    """Strikes a request with the faults that are switched on or that it asks for itself."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self.app = app
        self.site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or what is left of it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["faults"] = {}
        if scope["path"].startswith(EXEMPT_PREFIXES):
            await self.app(scope, receive, send)
            return
        try:
            asked = _asked_faults(Request(scope))
        except FaultSpellingError as error:
            await PlainTextResponse(str(error), status_code=400)(scope, receive, send)
            return
        faults = state["faults"] = self.site.faults.strike(asked)
        if DELAY in faults:
            await anyio.sleep(faults[DELAY].value)
        answer: ASGIApp = _refusal(faults) or self.app
        await answer(scope, receive, _HalfBody(send) if DROP in faults else send)


def _asked_faults(request: Request) -> tuple[Fault, ...]:
    texts = [
        *request.query_params.getlist("fault"),
        *request.headers.getlist("x-practice-fault"),
    ]
    return parse_faults(",".join(texts))


def _refusal(faults: dict[str, Fault]) -> Response | None:
    if RATE_LIMIT in faults:
        wait_seconds = f"{faults[RATE_LIMIT].value:.0f}"
        return _error_page(429, headers={"Retry-After": wait_seconds})
    for name in SERVER_ERRORS:
        if name in faults:
            return _error_page(int(name))
    return None


def _error_page(status: int, headers: dict[str, str] | None = None) -> Response:
    """A bare page, as a proxy in front of a broken shop would answer."""
    words = f"{status} {HTTPStatus(status).phrase}"
    page = f'<!doctype html><html lang="en"><title>{words}</title><h1>{words}</h1></html>'
    return HTMLResponse(page, status, headers=headers)


class _HalfBody:
    """Sends the announced head and half of the body, then nothing: the server closes the connection."""

    def __init__(self, send: Send) -> None:
        self.send = send
        self.start: Message = {}
        self.body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
            return
        self.body += message.get("body", b"")
        if message.get("more_body", False):
            return
        MutableHeaders(scope=self.start)["Content-Length"] = str(max(len(self.body), 2))
        await self.send(self.start)
        half = self.body[: len(self.body) // 2]
        await self.send({"type": "http.response.body", "body": half, "more_body": True})
