"""What the console says of one message: how far it got, each try, what it belongs to, its text."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.urls import reverse
from django.utils.html import format_html

from infra_shared.models import OutboxMessage
from infra_shared.templatetags.console import pill, pretty_json, when

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.utils.safestring import SafeString

State = OutboxMessage.State
PRIVATE = (
    "This mail says nothing of an alert. It was written for who receives it and may hold a code or a link that "
    "signs in, so its text is shown to nobody else."
)
_PILLS = {
    State.PENDING: ("queued", "waiting"),
    State.SENT: ("succeeded", "sent"),
    State.FAILED: ("failed", "failed"),
    State.FOLDED: ("folded", "in a digest"),
    State.DROPPED: ("dropped", "dropped"),
}


def state_pill(message: OutboxMessage) -> SafeString:
    """Where a message stands, as a coloured word."""
    return pill(*_PILLS[State(message.state)])


def body_of(message: OutboxMessage) -> str:
    """The text of a mail as it is; the JSON of a webhook over several lines."""
    if message.channel != OutboxMessage.Channel.WEBHOOK:
        return message.body_text
    try:
        return pretty_json(json.loads(message.body_text))
    except ValueError:
        return message.body_text


def kind_of(message: OutboxMessage) -> str:
    """What it is and how it goes: "Alert by e-mail"; a plain mail is a mail."""
    if message.is_private:
        return message.get_purpose_display()
    return f"{message.get_purpose_display()} by {message.get_channel_display().lower()}"


def place_of(message: OutboxMessage) -> str:
    """The channel it goes to, or who receives it."""
    return message.alert_channel.name if message.alert_channel else message.recipient


def facts_of(message: OutboxMessage) -> list[tuple[str, str]]:
    """How far it got, as names and values."""
    facts = [
        ("State", state_pill(message)),
        ("Subject", message.subject),
        ("To", message.recipient),
        ("Written", when(message.created_at)),
        ("Tries", str(message.attempts)),
    ]
    if message.sent_at is not None:
        facts.append(("Sent", when(message.sent_at)))
    if message.next_attempt_at is not None:
        facts.append(("Next try", when(message.next_attempt_at)))
    return facts


def links_of(request: HttpRequest, message: OutboxMessage) -> list[tuple[str, str]]:
    """What it belongs to, with links, as far as the operator may look at that."""
    found: list[tuple[str, str]] = []
    if message.alert_channel and request.user.has_perm("infra_shared.view_alertchannel"):
        found.append(("Channel", _page("alertchannel", message.alert_channel_id, message.alert_channel.name)))
    if message.digest_id is not None:
        found.append(("In the digest", _page("outboxmessage", message.digest_id, "The message that says it")))
    alert = message.alert
    if alert is not None and request.user.has_perm("infra_shared.view_alert"):
        found.append(("Alert", _page("alert", alert.pk, alert.title)))
        if alert.seen_link:
            page = alert.seen_link.removeprefix(settings.PUBLIC_URL)
            found.append(("Seen in", format_html('<a href="{}">{}</a>', page, "The latest run of it")))
    return found


def _page(model: str, pk: int | None, words: str) -> SafeString:
    url = reverse(f"admin:infra_shared_{model}_change", args=[pk])
    return format_html('<a href="{}">{}</a>', url, words)


def tries_of(message: OutboxMessage) -> list[tuple[datetime, str]]:
    """Each try that was reported, the latest first: when, and what went wrong; "" for the one that was sent."""
    return [(datetime.fromisoformat(one["at"]), one["error"]) for one in reversed(message.tries)]
