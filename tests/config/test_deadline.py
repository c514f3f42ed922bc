"""The server's own deadline, on small applications that hang where a database would."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from config.deadline import Deadline

SCOPE: Any = {"type": "http", "path": "/api/v1/runs"}


class Connection:
    """A client: `parts` are what it sends, `sent` is what it got."""

    def __init__(self, *parts: dict[str, Any]) -> None:
        self._parts = list(parts) or [{"type": "http.request", "body": b"", "more_body": False}]
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> Any:
        return self._parts.pop(0)

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    def ask(self, application: Any, *, seconds: float) -> None:
        asyncio.run(Deadline(application, seconds=seconds)(SCOPE, self.receive, self.send))


async def _answer(send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


def test_a_request_that_hangs_is_answered_503_and_told_when_to_come_back() -> None:
    async def hangs(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        try:
            await asyncio.sleep(600)
        finally:
            await _answer(send)

    client = Connection()
    client.ask(hangs, seconds=0.05)

    start, body = client.sent
    assert start["status"] == 503
    assert dict(start["headers"])[b"retry-after"] == b"5"
    assert json.loads(body["body"])["title"] == "Service Unavailable"


def test_an_answer_that_began_in_time_may_take_longer() -> None:
    async def streams(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(0.1)
        await send({"type": "http.response.body", "body": b"late, and whole"})

    client = Connection()
    client.ask(streams, seconds=0.02)

    assert [message.get("body") for message in client.sent] == [None, b"late, and whole"]


def test_the_time_counts_from_the_end_of_the_request() -> None:
    part = {"type": "http.request", "body": b"x", "more_body": True}

    async def uploads(_scope: Any, receive: Any, send: Any) -> None:
        for _part in range(10):
            await receive()
            await asyncio.sleep(0.01)
        await _answer(send)

    client = Connection(*[part] * 10)
    client.ask(uploads, seconds=0.02)

    assert client.sent[0]["status"] == 200


def test_what_the_application_raises_is_raised_to_the_server() -> None:
    async def breaks(_scope: Any, receive: Any, _send: Any) -> None:
        await receive()
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        Connection().ask(breaks, seconds=60)
