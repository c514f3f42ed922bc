"""An alert in words, as a signed webhook's body, and as a line for Slack. Pure functions of the alert."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra_shared.models import Alert

_LONGEST_TEXT = 4_000
_SLACK_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
MARKS = {"opened": "", "reminder": "still open", "recovered": "recovered"}


def subject_of(alert: Alert, purpose: str) -> str:
    """One line: how much it matters, or that it is over, and what it is."""
    return f"[{MARKS[purpose] or alert.severity}] {alert.title}"


def webhook_of(alert: Alert, purpose: str, page_url: str, now: datetime) -> str:
    """The JSON body of a webhook: type, timestamp and data, as Standard Webhooks recommends."""
    data = {
        "id": alert.pk,
        "key": alert.key,
        "rule": alert.rule,
        "severity": alert.severity,
        "title": alert.title,
        "text": told_of(alert, purpose),
        "customer": alert.customer or None,
        "automation": alert.automation or None,
        "opened_at": _stamp(alert.opened_at),
        "last_seen_at": _stamp(alert.last_seen_at),
        "closed_at": _stamp(alert.closed_at) if alert.closed_at else None,
        "count": alert.count,
        "page_url": page_url,
        "link": alert.link or None,
        "advice": alert.advice or None,
        "seen_url": alert.seen_link or None,
    }
    return event(f"alert.{purpose}", data, now)


def slack_of(alert: Alert, purpose: str, page_url: str) -> str:
    """The JSON body that Slack's incoming webhooks, and what is made after them, take."""
    title = subject_of(alert, purpose).translate(_SLACK_ESCAPES)
    text = told_of(alert, purpose).translate(_SLACK_ESCAPES)
    return slack_line(f"*{title}*\n{text}\n<{page_url}|Look at it>")


def event(kind: str, data: dict[str, object], now: datetime) -> str:
    """The JSON body of any webhook."""
    return json.dumps({"type": kind, "timestamp": _stamp(now), "data": data}, ensure_ascii=False)


def slack_list(title: str, lines: Sequence[str], url: str) -> str:
    """The JSON body of a list in the same form."""
    items = "\n".join(f"• {line.translate(_SLACK_ESCAPES)}" for line in lines)
    return slack_line(
        f"*{title.translate(_SLACK_ESCAPES)}*\n{items}\n<{url}|Look at everything that is open>"
    )


def slack_line(text: str) -> str:
    """The JSON body of a line in Slack's own mark-up."""
    return json.dumps({"text": text}, ensure_ascii=False)


def told_of(alert: Alert, purpose: str) -> str:
    """What is said of it, or why it is over."""
    said = f"{alert.close_reason} It was: {alert.text}" if purpose == "recovered" else alert.text
    return said[:_LONGEST_TEXT]


def times_of(alert: Alert) -> str:
    """Since when, and how often."""
    often = f"seen {alert.count} times" if alert.count > 1 else "seen once"
    return f"Since {alert.opened_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC, {often}."


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
