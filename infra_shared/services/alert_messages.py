"""Writing what is said of an alert into the outbox, for each channel that takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

from infra_shared import alert_words
from infra_shared.models import Alert, AlertChannel, OutboxMessage
from infra_shared.services import outbox

if TYPE_CHECKING:
    from datetime import datetime

Purpose = OutboxMessage.Purpose
_TEST = "This is a test of the channel “{name}”. Nothing is wrong."
_CANARY = "The daily canary of the channel “{name}”: alerts arrive here. Nothing is wrong."
_OF_ALERT_EMAILS = "ALERT_EMAILS"


def page_url(alert: Alert) -> str:
    """The address of the alert's page in the console."""
    return f"{settings.PUBLIC_URL}/admin/infra_shared/alert/{alert.pk}/change/"


def write_messages(alert: Alert, purpose: OutboxMessage.Purpose, now: datetime) -> int:
    """Tell every channel that takes the alert, as part of the caller's transaction; how many there are.

    The addresses in ALERT_EMAILS take every alert.
    """
    is_over = purpose == Purpose.RECOVERED
    taking = [
        channel
        for channel in AlertChannel.objects.filter(is_on=True)
        if channel.takes(alert) and (channel.tells_recovery or not is_over)
    ]
    for channel in taking:
        _write(alert, purpose, channel, now)
    if settings.ALERT_EMAILS:
        outbox.enqueue_mail(
            recipients=settings.ALERT_EMAILS,
            subject=alert_words.subject_of(alert, purpose),
            body_text=alert_words.mail_of(alert, purpose, page_url(alert)),
            about=outbox.About(purpose=purpose, alert=alert),
            now=now,
        )
    return len(taking) + bool(settings.ALERT_EMAILS)


def write_test(channel: AlertChannel, now: datetime) -> OutboxMessage:
    """A message to a channel that says it is a test."""
    return _write_plainly(channel, Purpose.TEST, _TEST.format(name=channel.name), "", now)


def write_canary(channel: AlertChannel | None, now: datetime) -> OutboxMessage:
    """The day's canary of a channel, written once a day; None stands for the addresses in ALERT_EMAILS."""
    name = channel.name if channel is not None else _OF_ALERT_EMAILS
    once = f"canary:{channel.pk if channel is not None else 0}:{now:%Y-%m-%d}"
    return _write_plainly(channel, Purpose.CANARY, _CANARY.format(name=name), once, now)


def _write(alert: Alert, purpose: OutboxMessage.Purpose, channel: AlertChannel, now: datetime) -> None:
    subject, url = alert_words.subject_of(alert, purpose), page_url(alert)
    about = outbox.About(purpose=purpose, alert=alert, channel=channel)
    if channel.kind == AlertChannel.Kind.EMAIL:
        text = alert_words.mail_of(alert, purpose, url)
        recipients = channel.place.split(", ")
        outbox.enqueue_mail(recipients=recipients, subject=subject, body_text=text, about=about, now=now)
        return
    is_slack = channel.kind == AlertChannel.Kind.SLACK
    body = (
        alert_words.slack_of(alert, purpose, url)
        if is_slack
        else alert_words.webhook_of(alert, purpose, url, now)
    )
    outbox.enqueue_webhook(channel=channel, subject=subject, body=body, about=about, now=now)


def _write_plainly(
    channel: AlertChannel | None, purpose: OutboxMessage.Purpose, text: str, once: str, now: datetime
) -> OutboxMessage:
    """A message about no alert."""
    subject, about = f"[{purpose}] {text}", outbox.About(purpose=purpose, channel=channel)
    if channel is None or channel.kind == AlertChannel.Kind.EMAIL:
        recipients = settings.ALERT_EMAILS if channel is None else channel.place.split(", ")
        return outbox.enqueue_mail(
            recipients=recipients,
            subject=subject,
            body_text=f"{text}\n",
            about=about,
            dedupe_key=once,
            now=now,
        )
    if channel.kind == AlertChannel.Kind.SLACK:
        body = alert_words.slack_line(text)
    else:
        body = alert_words.event(f"alert.{purpose}", {"text": text}, now)
    return outbox.enqueue_webhook(
        channel=channel, subject=subject, body=body, about=about, dedupe_key=once, now=now
    )
