"""An ASGI wrapper that refuses bodies larger than anything this server takes, before they reach its disk."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import structlog

from infra_shared.api.problems import new_request_id, problem_response
from infra_shared.sizes import in_words

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Receive = Callable[[], Awaitable[Any]]
    Send = Callable[[Any], Awaitable[None]]
    Application = Callable[[Any, Any, Any], Awaitable[None]]

_log = structlog.get_logger(__name__)


class _TooLargeError(Exception):
    """A body went past the limit; caught by the wrapper alone."""


class BodyLimit:
    """Wraps an application: a body beyond `most_bytes` is answered 413, whether its length was declared or not.

    Django writes a whole body to a temporary file before any view or middleware sees the request, so its own limits
    come too late for a sender without end.
    """

    def __init__(self, application: Application, *, most_bytes: int) -> None:
        self._application = application
        self._most_bytes = most_bytes

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        if _declared_bytes(scope) > self._most_bytes:
            await self._refuse(scope, send)
            return
        received = 0

        async def counted() -> Any:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._most_bytes:
                raise _TooLargeError
            return message

        try:
            await self._application(scope, counted, send)
        except _TooLargeError:
            await self._refuse(scope, send)

    async def _refuse(self, scope: Any, send: Send) -> None:
        detail = f"The body is larger than {in_words(self._most_bytes)}, the most this server takes."
        with structlog.contextvars.bound_contextvars(request_id=new_request_id()):
            _log.warning("request_too_large", path=scope["path"], most_bytes=self._most_bytes)
            response = problem_response(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
        # What was not read is still under way: the connection cannot carry another request.
        headers = [(name.lower().encode(), value.encode()) for name, value in response.items()]
        headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": response.content})


def _declared_bytes(scope: Any) -> int:
    """The length the sender declared; 0 where it declared none, or nonsense."""
    declared = dict(scope["headers"]).get(b"content-length", b"0")
    return int(declared) if declared.isdigit() else 0
