"""The largest body, on a small application that reads all of it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from config.body_limit import BodyLimit

MOST = 10


class Sender:
    """A client that sends these parts, one after the other, and counts how many were taken."""

    def __init__(self, *parts: bytes, declared: int | None = None) -> None:
        self._parts = list(parts)
        self._headers = [] if declared is None else [(b"content-length", str(declared).encode())]
        self.taken = 0
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        self.taken += 1
        return {"type": "http.request", "body": self._parts.pop(0), "more_body": bool(self._parts)}

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    def ask(self) -> int:
        scope = {"type": "http", "path": "/", "headers": self._headers}
        asyncio.run(BodyLimit(read_all, most_bytes=MOST)(scope, self.receive, self.send))
        return int(self.sent[0]["status"])


async def read_all(_scope: Any, receive: Any, send: Any) -> None:
    while (await receive())["more_body"]:
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"read"})


def test_a_body_up_to_the_limit_is_read() -> None:
    assert Sender(b"12345", b"67890", declared=MOST).ask() == 200


def test_a_larger_one_is_refused_before_anything_of_it_is_read() -> None:
    sender = Sender(b"12345678901", declared=MOST + 1)

    assert (sender.ask(), sender.taken) == (413, 0)
    problem = json.loads(sender.sent[1]["body"])
    assert "larger than 10 bytes" in problem["detail"]
    assert (b"x-request-id", problem["request_id"].encode()) in sender.sent[0]["headers"]
    assert problem["request_id"]


def test_one_that_hides_its_length_is_cut_off_where_it_passes_the_limit() -> None:
    sender = Sender(b"123456", b"789012", b"345678")

    assert (sender.ask(), sender.taken) == (413, 2)
    assert (b"connection", b"close") in sender.sent[0]["headers"]
