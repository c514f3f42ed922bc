"""Telling people that something needs them: opened once, told once, closed when things work again.

The rules that say what is wrong live above; each names its alert by a key of rule and subject, such as "failure:17".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from django.db import transaction
from django.utils import timezone

from infra_shared.alert_policy import Facts, Telling, telling_due
from infra_shared.models import Alert, OutboxMessage, Severity
from infra_shared.scrubbing import scrub_text
from infra_shared.services import audit
from infra_shared.services.alert_messages import write_messages

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Seen", "Severity", "acknowledge", "alert", "close_alert", "mute", "tell_what_is_due", "unmute"]

_log = structlog.get_logger(__name__)
_LEVELS = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "error"}
_PURPOSES = {
    Telling.OPENED: OutboxMessage.Purpose.OPENED,
    Telling.REMINDER: OutboxMessage.Purpose.REMINDER,
}
_WORDS = 500


@dataclass(frozen=True, slots=True)
class Seen:
    """What something was seen in: a reference for who shows pictures (`infra_shared.pictures`), and its page."""

    ref: str
    link: str


@transaction.atomic
def alert(  # noqa: PLR0913 - an alert has that many parts
    *,
    key: str,
    title: str,
    text: str,
    severity: Severity = Severity.WARNING,
    link: str = "",
    advice: str = "",
    seen: Seen | None = None,
    customer: str = "",
    automation: str = "",
    happened_at: datetime | None = None,
    now: datetime | None = None,
) -> Alert:
    """The open alert of this key: a new one, which is told to the channels that take it, or the one that is open already.

    What is told is part of the caller's transaction. `key` begins with the rule and a colon. `customer` and `automation`
    are keys, empty for what is the system's own. `advice` says what to do, `seen` where it can be looked at. `happened_at` makes it safe to report one event again and again: what
    is no later than what was seen, or than the closing, changes nothing.
    """
    moment = now or timezone.now()
    facts = {
        "severity": severity,
        "title": scrub_text(title)[:300],
        "text": scrub_text(text),
        "link": link[:_WORDS],
        "advice": advice[:_WORDS],
        "seen_ref": seen.ref if seen else "",
        "seen_link": seen.link[:_WORDS] if seen else "",
        "customer": customer,
        "automation": automation,
    }
    times = {"opened_at": happened_at or moment, "last_seen_at": happened_at or moment}
    rule = key.partition(":")[0]
    made, is_new = Alert.objects.get_or_create(key=key[:200], defaults={**facts, **times, "rule": rule})
    row = Alert.objects.select_for_update().get(pk=made.pk)
    if not is_new and not _seen_again(row, facts, happened_at, moment):
        return row
    _write_log_line(row)
    _tell(row, moment)
    return row


def close_alert(*, key: str, reason: str, now: datetime | None = None) -> bool:
    """Close the alert of this key, if one is open, because things work again; who was told of it is told so."""
    with transaction.atomic():
        row = Alert.objects.select_for_update().filter(key=key[:200], closed_at__isnull=True).first()
        if row is None:
            return False
        moment = now or timezone.now()
        row.closed_at, row.close_reason = moment, reason[:_WORDS]
        is_told, row.is_told = row.is_told, False
        row.save()
        if is_told and not row.is_muted(moment):
            write_messages(row, OutboxMessage.Purpose.RECOVERED, moment)
    _log.info("alert_closed", key=key, reason=reason)
    return True


@transaction.atomic
def acknowledge(*, alert_id: int, note: str, actor: str, now: datetime | None = None) -> bool:
    """Say that somebody has taken on an open alert, which ends its reminders; False when it is over or taken on."""
    taken_on = Alert.objects.open().filter(pk=alert_id, acknowledged_at__isnull=True)
    words = scrub_text(note)[:_WORDS]
    if not taken_on.update(
        acknowledged_at=now or timezone.now(), acknowledged_by=actor, acknowledge_note=words
    ):
        return False
    _record(alert_id, "alert.acknowledge", actor, note)
    return True


@transaction.atomic
def mute(*, alert_id: int, until: datetime, reason: str, actor: str) -> None:
    """Tell nobody of this alert until then, also when it closes and opens again."""
    muted = {"muted_until": until, "muted_by": actor, "mute_reason": scrub_text(reason)[:_WORDS]}
    Alert.objects.filter(pk=alert_id).update(**muted)
    _record(alert_id, "alert.mute", actor, reason, until=until.isoformat())


@transaction.atomic
def unmute(*, alert_id: int, actor: str) -> bool:
    """Let the alert be told again, at once if it is open; False when it was not muted."""
    muted = Alert.objects.filter(pk=alert_id, muted_until__gt=timezone.now())
    if not muted.update(muted_until=None, muted_by="", mute_reason=""):
        return False
    _record(alert_id, "alert.unmute", actor, "")
    _tell_of(alert_id, timezone.now())
    return True


def tell_what_is_due(*, now: datetime | None = None) -> int:
    """Tell of the open alerts whose time has come: held back, muted until now, or for a day with nobody; how many."""
    moment = now or timezone.now()
    waiting = [row.pk for row in Alert.objects.open() if _due(row, moment) is not Telling.NOTHING]
    return sum(_tell_of(pk, moment) for pk in waiting)


@transaction.atomic
def _tell_of(alert_id: int, now: datetime) -> bool:
    return _tell(Alert.objects.select_for_update().get(pk=alert_id), now)


def _seen_again(row: Alert, facts: dict[str, str], happened_at: datetime | None, now: datetime) -> bool:
    """Count one more time, or open the alert anew; False when this event was reported before."""
    known_until = max(row.last_seen_at, row.closed_at or row.last_seen_at)
    if happened_at is not None and happened_at <= known_until:
        return False
    for name, value in facts.items():
        setattr(row, name, value)
    row.last_seen_at = happened_at or now
    row.count += 1
    if not row.is_open:
        row.opened_at, row.closed_at, row.close_reason = row.last_seen_at, None, ""
        row.acknowledged_at, row.acknowledged_by, row.acknowledge_note = None, "", ""
        row.count, row.openings = 1, row.openings + 1
    row.save()
    return True


def _tell(row: Alert, now: datetime) -> bool:
    """Write what is due to be said of a locked alert; whether anything was."""
    due = _due(row, now)
    if due is Telling.NOTHING:
        return False
    row.is_told, row.told_at = True, now
    row.save(update_fields=["is_told", "told_at"])
    write_messages(row, _PURPOSES[due], now)
    return True


def _due(row: Alert, now: datetime) -> Telling:
    facts = Facts(
        is_open=row.is_open,
        is_told=row.is_told,
        is_acknowledged=row.acknowledged_at is not None,
        told_at=row.told_at,
        muted_until=row.muted_until,
    )
    return telling_due(facts, now)


def _write_log_line(row: Alert) -> None:
    getattr(_log, _LEVELS[Severity(row.severity)])(
        "alert", key=row.key, title=row.title, severity=str(row.severity), link=row.link, count=row.count
    )


def _record(alert_id: int, action: str, actor: str, reason: str, **details: str) -> None:
    row = Alert.objects.get(pk=alert_id)
    audit.record(
        actor=actor,
        action=action,
        object_kind="alert",
        object_id=row.pk,
        customer=row.customer,
        reason=reason,
        details={"key": row.key, **details},
    )
