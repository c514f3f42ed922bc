"""What the origin stores in a second, in batches of three sizes, beside raw INSERTs of the same rows."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.conf import settings
from django.db import connection

from infra_shared.clock import monotonic, utc_now
from infra_shared.ids import uuid7
from intake.signatures.edge import Purpose, signed_headers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SLUG = "bench-origin"
SIZES = {1: 30, 10: 10, 100: 5}
"""Messages in a batch, and how many such batches a round has."""
RAW_ROWS = 100
BODY = {
    "repository": {"name": "shop"},
    "head_commit": {"message": "x" * 1000},
    "commits": [{"id": "y" * 40}] * 5,
}


class BatchRefusedError(Exception):
    """The origin did not store a batch; the message says what it answered."""


@dataclass(frozen=True, slots=True)
class Request:
    """One signed batch, ready to be sent."""

    body: bytes
    headers: dict[str, str]


class Origin:
    """The web process of a system, over one connection that is kept."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def store(self, request: Request, count: int) -> None:
        """Send a batch of so many new messages; BatchRefusedError unless every one is accepted."""
        self._connection.request("POST", "/api/v1/intake/batch", request.body, request.headers)
        answer = self._connection.getresponse()
        told = answer.read()
        if answer.status != 200 or told.count(b'"accepted"') != count:
            raise BatchRefusedError(f"{answer.status} {told[:500].decode(errors='replace')}")

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


def round_of(origin: Origin) -> dict[str, float]:
    """Messages stored in a second for each size (`batch_1` …), and rows for `raw_insert_100`, measured one after the other."""
    rates = {f"batch_{size}": _batches(origin, size, times) for size, times in SIZES.items()}
    return rates | {"raw_insert_100": _raw(SIZES[RAW_ROWS])}


def _batches(origin: Origin, size: int, times: int) -> float:
    requests = [_request([_message() for _ in range(size)]) for _ in range(times)]
    begun = monotonic()
    for request in requests:
        origin.store(request, size)
    return size * times / (monotonic() - begun)


def _raw(times: int) -> float:
    """Rows in a second of one INSERT of 100 rows after the other, each a transaction: those the latest batches made."""
    columns, rows = _latest_rows(times * RAW_ROWS)
    places = ", ".join([f"({', '.join(['%s'] * len(columns))})"] * RAW_ROWS)
    names = ", ".join(f'"{name}"' for name in columns)
    statement = f"INSERT INTO intake_event ({names}) VALUES {places}"  # noqa: S608 - names come from the table
    groups = [rows[at : at + RAW_ROWS] for at in range(0, len(rows), RAW_ROWS)]
    values = [[value for row in group for value in row] for group in groups]
    with connection.cursor() as cursor:
        begun = monotonic()
        for group in values:
            cursor.execute(statement, group)
        return len(rows) / (monotonic() - begun)


def _latest_rows(count: int) -> tuple[list[str], list[list[Any]]]:
    """The latest events as their columns, with other keys."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM intake_event ORDER BY id DESC LIMIT %s", [count])
        columns = [column.name for column in cursor.description or ()]
        rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    return columns, [list(_anew(row).values()) for row in rows]


def _anew(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"id": uuid7(), "message_id": uuid4(), "key": f"delivery:{uuid4()}"}


def _request(messages: Sequence[dict[str, Any]]) -> Request:
    body = json.dumps({"v": 1, "messages": list(messages)}).encode()
    signed = signed_headers(
        purpose=Purpose.BATCH, key=settings.EDGE_KEYS[0], batch=str(uuid4()), body=body, now=utc_now()
    )
    return Request(body, {"Content-Type": "application/json", **signed})


def _message() -> dict[str, Any]:
    """A webhook of a code host as the Worker forwards it, of about 1.5 KB."""
    body = json.dumps({**BODY, "after": str(uuid4())}).encode()
    return {
        "id": str(uuid4()),
        "source": SLUG,
        "key": f"delivery:{uuid4()}",
        "key_kind": "delivery",
        "received_at": utc_now().isoformat(timespec="milliseconds"),
        "content_type": "application/json",
        "headers": list(_headers()),
        "query": "",
        "size": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
        "scheme": "github",
        "edge_attempts": 1,
        "body": base64.b64encode(body).decode(),
    }


def _headers() -> Iterator[tuple[str, str]]:
    yield "accept", "*/*"
    yield "content-type", "application/json"
    yield "user-agent", "GitHub-Hookshot/0a1b2c3"
    yield "x-github-delivery", str(uuid4())
    yield "x-github-event", "push"
    yield "x-github-hook-id", "292430182"
