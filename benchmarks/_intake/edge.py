"""What the Worker accepts in a second, and that each of it becomes one event and one run."""

from __future__ import annotations

import http.client
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import Count

from infra_shared.clock import monotonic, sleep, utc_now
from intake.models import Event
from intake.services.routing import route_event
from intake.signatures.senders import Delivery, sender_headers
from intake.states import EventState
from runs.models import Run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from intake.models import Source

SLUG = "bench-edge"
CONNECTIONS = 16
SENT_TWICE = 20
"""Every so many-th webhook is sent a second time, as senders do."""
STORED_SECONDS = 300.0
ROUTERS = 2
Signed = tuple[str, bytes, dict[str, str]]


@dataclass
class Accepted:
    """What the Worker answered 202 to: its deliveries, how often it did, and in how many seconds."""

    deliveries: set[str] = field(default_factory=set)
    posts: int = 0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Webhooks accepted in a second."""
        return self.posts / self.seconds


def send(port: int, *, secret: str, count: int) -> Accepted:
    """Send so many signed webhooks over several connections at once."""
    todo = iter(_signed(secret, count))
    accepted, lock = Accepted(), threading.Lock()

    def work() -> None:
        wire = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while True:
            with lock:
                item = next(todo, None)
            if item is None:
                break
            name, body, headers = item
            wire.request("POST", f"/hooks/{SLUG}", body, headers)
            answer = wire.getresponse()
            answer.read()
            with lock:
                if answer.status == 202:
                    accepted.deliveries.add(name)
                    accepted.posts += 1
        wire.close()

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        begun = monotonic()
        for done in [pool.submit(work) for _ in range(CONNECTIONS)]:
            done.result()
        accepted.seconds = monotonic() - begun
    return accepted


def await_stored(source: Source, count: int) -> int:
    """How many events the source has, once they are so many, or none has come for long."""
    until = monotonic() + STORED_SECONDS
    while (stored := Event.objects.filter(source=source).count()) < count and monotonic() < until:
        sleep(0.2)
    return stored


def route_from_two_sides(source: Source) -> int:
    """Route the source's events by two routers at the same time; returns how many events have more than one run."""
    pending = list(Event.objects.filter(source=source, state=EventState.PENDING).values_list("pk", flat=True))
    with ThreadPoolExecutor(ROUTERS) as pool:
        for done in [pool.submit(_route, pending) for _ in range(ROUTERS)]:
            done.result()
    runs = Run.objects.filter(cause_ref__startswith="event:")
    return runs.values("cause_ref").annotate(times=Count("pk")).filter(times__gt=1).count()


def _route(ids: Sequence[UUID]) -> None:
    try:
        for event_id in ids:
            route_event(event_id)
    finally:
        connection.close()


def _signed(secret: str, count: int) -> list[Signed]:
    """The webhooks, signed beforehand: the Worker is measured, not its senders."""
    return list(_deliveries(secret, count))


def _deliveries(secret: str, count: int) -> Iterator[Signed]:
    for number in range(count):
        name = f"d-{number}"
        body = json.dumps({"id": name, "text": "x" * 1000}).encode()
        delivery = Delivery(
            body=body,
            secret=secret,
            delivery_id=name,
            timestamp=int(utc_now().timestamp()),
            event_type="push",
        )
        signed = name, body, {"Content-Type": "application/json", **sender_headers("github", delivery)}
        yield signed
        if number % SENT_TWICE == 0:
            yield signed
