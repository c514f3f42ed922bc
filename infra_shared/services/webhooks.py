"""Posting a message of the outbox to the address of its channel, signed by Standard Webhooks.

https://www.standardwebhooks.com: the receiver checks `webhook-signature` over id, timestamp and body with the shared
secret, refuses old timestamps, and drops an id it has seen: it stays the same when a message is sent again.
"""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING

from django.conf import settings
from standardwebhooks import Webhook

from infra_shared.http.post import PostError, post
from infra_shared.models import AlertChannel

if TYPE_CHECKING:
    from datetime import datetime

    from infra_shared.models import OutboxMessage

_SECRET_BYTES = 32


def new_secret() -> str:
    """A fresh secret in the form receivers expect: whsec_ and base64."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"


def post_message(message: OutboxMessage, now: datetime) -> None:
    """Post the message; PostError when it did not arrive, permanent where its channel is gone."""
    channel = message.alert_channel
    if channel is None or channel.url is None:
        raise PostError("Its channel was removed.", permanent=True)
    post(
        channel.url.reveal(),
        message.body_text.encode(),
        _headers(message, channel, now),
        allowed=settings.ALERT_ALLOW_PRIVATE,
    )


def _headers(message: OutboxMessage, channel: AlertChannel, now: datetime) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "User-Agent": "automation-orchestrator"}
    if channel.kind != AlertChannel.Kind.WEBHOOK or channel.secret is None:
        return headers
    # The time it was written makes the id unique beside those of other installations.
    message_id = f"msg_{int(message.created_at.timestamp() * 1_000_000)}_{message.pk}"
    signature = Webhook(channel.secret.reveal()).sign(message_id, now, message.body_text)
    return headers | {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }
