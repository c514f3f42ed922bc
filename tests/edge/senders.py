"""Eight senders, each with a scheme of its own, who send a webhook until it is taken, as senders do."""

from __future__ import annotations

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import httpx

from infra_shared.clock import utc_now
from intake.signatures.senders import Delivery, sender_headers
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Future

KEY_HEADER = "X-Delivery"
SCHEMES: dict[str, dict[str, Any]] = {
    "github": {},
    "standard": {},
    "stripe": {},
    "slack": {},
    "shopify": {},
    "hmac": {"options": {"header": "X-Signature", "id_header": KEY_HEADER, "template": "{id}.{body}"}},
    "bearer": {"key_header": KEY_HEADER},
    "basic": {"key_header": KEY_HEADER},
}
"""What to say of a source of each scheme."""
SENT_TWICE = 10
"""Every so many-th webhook is sent again although it was taken: at least once is all that senders promise."""
LARGE_EVERY = 50
LARGE_BYTES = 300_000
TAKEN_SECONDS = 60.0
PAUSE_SECONDS = 0.2


@dataclass
class Sender:
    """One source as its sender knows it.

    Attributes:
        taken: deliveries the Worker answered with 202, each once.
        posts: how often it answered 202.
        refused: what else it answered, by status; "" for no answer.
    """

    slug: str
    scheme: str
    secret: str
    options: dict[str, Any] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    posts: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    numbers: int = 0

    def send(self, client: httpx.Client) -> None:
        """Send a new webhook until it is taken."""
        self.numbers += 1
        delivery_id = f"{self.slug}-{self.numbers}"
        filler = "x" * LARGE_BYTES if self.numbers % LARGE_EVERY == 0 else ""
        body = {"id": delivery_id, "event_id": delivery_id, "type": "thing.done", "filler": filler}
        wait_until(
            lambda: self._is_taken(client, delivery_id, json.dumps(body).encode()),
            TAKEN_SECONDS,
            what=f"a 202 for {delivery_id}; until now {dict(self.refused)}",
            poll_seconds=PAUSE_SECONDS,
        )
        if self.numbers % SENT_TWICE == 0:
            self._is_taken(client, delivery_id, json.dumps(body).encode())

    def is_taken_with(self, secret: str, client: httpx.Client, name: str) -> bool:
        """Whether the Worker takes a webhook that is signed with this secret."""
        body = json.dumps({"id": name}).encode()
        return self._is_taken(client, name, body, secret)

    def _is_taken(self, client: httpx.Client, delivery_id: str, body: bytes, secret: str = "") -> bool:
        delivery = Delivery(
            body=body,
            secret=secret or self.secret,
            delivery_id=delivery_id,
            timestamp=int(utc_now().timestamp()),
            options=self.options,
        )
        headers = {KEY_HEADER: delivery_id, **sender_headers(self.scheme, delivery)}
        try:
            status = client.post(f"/hooks/{self.slug}", content=body, headers=headers).status_code
        except httpx.TransportError:
            self.refused[""] += 1
            return False
        if status != 202:
            self.refused[str(status)] += 1
            return False
        self.taken.add(delivery_id)
        self.posts += 1
        return True


class Crowd:
    """Senders who send at the same time; `with Crowd(worker_url, senders) as crowd`."""

    def __init__(self, worker_url: str, senders: Iterable[Sender]) -> None:
        self.senders = list(senders)
        limits = httpx.Limits(max_connections=2 * len(self.senders))
        self.client = httpx.Client(base_url=worker_url, trust_env=False, timeout=30, limits=limits)
        self._pool = ThreadPoolExecutor(len(self.senders))
        self._leaving = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._leaving.set()
        self._pool.shutdown(cancel_futures=True)
        self.client.close()

    def start(self, each: int) -> list[Future[None]]:
        """Have every sender send so many webhooks; the results are there when all are taken."""
        return [self._pool.submit(self._send, sender, each) for sender in self.senders]

    def send(self, each: int) -> None:
        """Have every sender send so many webhooks and return when all are taken."""
        for done in self.start(each):
            done.result()

    @property
    def taken(self) -> int:
        """How many webhooks were taken, each counted once."""
        return sum(len(sender.taken) for sender in self.senders)

    @property
    def posts(self) -> int:
        """How often a webhook was taken."""
        return sum(sender.posts for sender in self.senders)

    def _send(self, sender: Sender, each: int) -> None:
        for _ in range(each):
            if not self._leaving.is_set():
                sender.send(self.client)
