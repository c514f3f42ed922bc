"""What the demo finds in its outbox: a mail that was sent, two that failed, one that was dropped."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from infra_shared.alert_words import subject_of, told_of
from infra_shared.mail_policy import MAX_ATTEMPTS
from infra_shared.models import Alert, OutboxMessage
from infra_shared.services.past_messages import PastMessage, insert_messages

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_TEAM, _FORMER = "operations@example.com", "former.colleague@example.com"
_AWAY = "The mail server could not be reached: [Errno 111] Connection refused."
_GONE = f"The mail server refused: 550 5.1.1 No such user here ({_FORMER})."
_TEST = "This is a test of the channel “Operations”. Nothing is wrong."
_Purpose = OutboxMessage.Purpose


def make_messages(now: datetime) -> int:
    """Write the messages, each once; returns how many there are. Two are about the first alert, where there is one."""
    alert = Alert.objects.order_by("pk").first()
    days_ago = [now - timedelta(days=days) for days in range(4)]
    found = [
        _mail(1, _TEAM, [(days_ago[3], "")]),
        _mail(2, _FORMER, [(days_ago[2], _GONE)], is_dropped=True),
        _mail(3, _FORMER, [(days_ago[1], _GONE)], alert=alert),
        _mail(4, _TEAM, _outage(now), alert=alert),
    ]
    insert_messages(found)
    return len(found)


def _mail(
    number: int,
    recipient: str,
    tries: Sequence[tuple[datetime, str]],
    *,
    alert: Alert | None = None,
    is_dropped: bool = False,
) -> PastMessage:
    return PastMessage(
        key=f"demo:{number}",
        recipient=recipient,
        subject=subject_of(alert, _Purpose.OPENED) if alert else f"[test] {_TEST}",
        text=told_of(alert, _Purpose.OPENED) if alert else _TEST,
        tries=tries,
        purpose=_Purpose.OPENED if alert else _Purpose.TEST,
        alert=alert,
        is_dropped=is_dropped,
    )


def _outage(now: datetime) -> list[tuple[datetime, str]]:
    """As many tries as there are, each half an hour after the one before."""
    return [(now - timedelta(minutes=30 * number), _AWAY) for number in range(MAX_ATTEMPTS, 0, -1)]
