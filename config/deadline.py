"""An ASGI wrapper that answers 503 when the server itself comes to no answer in time."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import structlog

from infra_shared.api.problems import new_request_id, problem_response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Receive = Callable[[], Awaitable[Any]]
    Send = Callable[[Any], Awaitable[None]]
    Application = Callable[[Any, Any, Any], Awaitable[None]]

TOO_LATE = "The server came to no answer in time; its database may be stuck. Try again later."
RETRY_AFTER_SECONDS = 5
_log = structlog.get_logger(__name__)


class Deadline:
    """Wraps an application: a request that was wholly received is answered within `seconds`, if only by a 503.

    A database that is frozen rather than down answers nothing and refuses nothing, and a thread that waits for it
    cannot be cancelled: it is left to end when the database does, and whatever it still says is dropped. An answer
    that began in time may take as long as it takes.
    """

    def __init__(self, application: Application, *, seconds: float) -> None:
        self._application = application
        self._seconds = seconds
        self._under_way: set[asyncio.Future[None]] = set()  # the loop keeps only weak references

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        limit = _Limit(self._seconds, receive, send)
        work = asyncio.ensure_future(self._application(scope, limit.receive, limit.send))
        self._under_way.add(work)
        work.add_done_callback(self._under_way.discard)
        try:
            async with limit.clock:
                await asyncio.shield(work)
        except TimeoutError:
            if not limit.clock.expired():
                raise
            # The request's own id is known below alone, where nothing answers.
            with structlog.contextvars.bound_contextvars(request_id=new_request_id()):
                _log.error("request_too_late", path=scope["path"], seconds=self._seconds)
                await _say_too_late(send)
        except asyncio.CancelledError:
            work.cancel()
            raise


class _Limit:
    """The clock of one request: it starts when the request is whole and stops when the answer begins."""

    def __init__(self, seconds: float, receive: Receive, send: Send) -> None:
        self.clock = asyncio.timeout(None)
        self._seconds = seconds
        self._receive = receive
        self._send = send

    async def receive(self) -> Any:
        """What the client says next."""
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body"):
            self.clock.reschedule(asyncio.get_running_loop().time() + self._seconds)
        return message

    async def send(self, message: Any) -> None:
        """Answer the client, unless it was told already that there will be no answer."""
        if not self.clock.expired():
            self.clock.reschedule(None)
            await self._send(message)


async def _say_too_late(send: Send) -> None:
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    response = problem_response(HTTPStatus.SERVICE_UNAVAILABLE, TOO_LATE, headers=headers)
    pairs = [(name.lower().encode(), value.encode()) for name, value in response.items()]
    await send({"type": "http.response.start", "status": response.status_code, "headers": pairs})
    await send({"type": "http.response.body", "body": response.content})
