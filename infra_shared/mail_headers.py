"""What a mail's headers say for the programs that receive it: pure functions of values."""

from __future__ import annotations

from email.utils import parseaddr
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

_FALLBACK = "localhost"


def message_id(number: int, written_at: datetime, *, sender: str) -> str:
    """The Message-ID of a message, the same each time it is sent, so that a repetition can be told for one.

    The time it was written keeps it apart from messages of other installations with the same sender.
    """
    return f"<message.{number}.{int(written_at.timestamp() * 1_000_000)}@{_domain(sender)}>"


def thread_headers(alert_id: int | None, *, sender: str) -> dict[str, str]:
    """What puts all messages of one alert into one thread: the id of a first message that need not exist."""
    if alert_id is None:
        return {}
    root = f"<alert.{alert_id}@{_domain(sender)}>"
    return {"In-Reply-To": root, "References": root}


def content_id(number: int, *, sender: str) -> str:
    """The id of the picture of a message, without the brackets."""
    return f"seen.{number}@{_domain(sender)}"


MACHINE_HEADERS = {
    "Auto-Submitted": "auto-generated",  # RFC 3834: answering machines stay silent
    "X-Auto-Response-Suppress": "All",  # the same for Exchange, which does not read that one
}


def _domain(sender: str) -> str:
    return parseaddr(sender)[1].rpartition("@")[2] or _FALLBACK
