"""What the edge Worker would send: sources, messages, signed requests."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.test import Client

from automations.models import Customer
from infra_shared.clock import utc_now
from intake.models import Event, Source, Trigger
from intake.services.batches import take_batch
from intake.services.source_input import SourceInput
from intake.services.sources import create_source
from intake.services.triggers import TriggerInput, create_trigger
from intake.signatures.edge import EdgeKey, Purpose, signed_headers

if TYPE_CHECKING:
    from automations.models import AutomationVersion
    from intake.services.batches import Verdict

EDGE_KEY = EdgeKey("edge-1", bytes(range(32)))
CONTROL_KEY = EdgeKey("control-1", bytes(range(32, 64)))
RECEIVED_AT = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
SECRET = "a-secret-of-the-shop"
PUSH = {"city": "Riga", "count": 2, "ref": "refs/heads/main"}


def source(slug: str = "shop", *, customer: str = "main", **changes: Any) -> Source:
    """A GitHub source with one secret."""
    owner, _ = Customer.objects.get_or_create(key=customer)
    wanted = SourceInput(**{"slug": slug, "customer": owner, "scheme": "github", **changes})
    return create_source(wanted=wanted, actor="command", secrets=[SECRET])[0]


def trigger(of: Source, version: AutomationVersion, **changes: Any) -> Trigger:
    """A trigger that starts the sample with the city and count of the body."""
    said = {"name": "Pushes", "mapping": "{city: city, count: count}", **changes}
    return create_trigger(
        wanted=TriggerInput(source=of, automation=version.automation, **said), actor="command"
    )


def message(body: Any = None, /, **changes: Any) -> dict[str, Any]:
    """One delivery as the edge forwards it; a body that is not bytes is written as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(PUSH if body is None else body).encode()
    told = {
        "id": str(uuid4()),
        "source": "shop",
        "key": f"delivery:{uuid4()}",
        "key_kind": "delivery",
        "received_at": "2026-11-20T08:30:00.000Z",
        "content_type": "application/json",
        "headers": [["x-github-event", "push"], ["user-agent", "GitHub-Hookshot/1"]],
        "query": "",
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "scheme": "github",
        "edge_attempts": 1,
        "body": base64.b64encode(content).decode(),
    }
    return told | changes


def batch(*messages: dict[str, Any]) -> bytes:
    """The body of a batch."""
    return json.dumps({"v": 1, "messages": list(messages)}).encode()


def take(*messages: dict[str, Any]) -> list[Verdict]:
    """Hand a batch to the service."""
    return take_batch(content=batch(*messages), now=utc_now())


def stored(body: Any = None, /, **changes: Any) -> Event:
    """An event that has just been stored, of the source `shop` where nothing else is said."""
    sent = message(body, **changes)
    take(sent)
    return Event.objects.select_related("source", "customer", "blob").get(message_id=sent["id"])


@dataclass(frozen=True)
class Edge:
    """The edge Worker as this server meets it."""

    key: EdgeKey = EDGE_KEY
    now: datetime | None = None

    def post(self, path: str, body: bytes, *, purpose: Purpose = Purpose.BATCH, **headers: str) -> Any:
        """POST a signed body to `/api/v1/intake{path}`."""
        signed = self.sign(body, purpose) | headers
        return Client().post(f"/api/v1/intake{path}", body, content_type="application/json", headers=signed)

    def get(self, path: str, *, purpose: Purpose = Purpose.READY) -> Any:
        """GET `/api/v1/intake{path}`, signed over an empty body."""
        return Client().get(f"/api/v1/intake{path}", headers=self.sign(b"", purpose))

    def sign(self, body: bytes, purpose: Purpose) -> dict[str, str]:
        """The headers of a signed request."""
        now = self.now or utc_now()
        return signed_headers(purpose=purpose, key=self.key, batch=str(uuid4()), body=body, now=now)
