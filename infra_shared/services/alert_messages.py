"""Writing what is said of an alert into the outbox, for each channel that takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

from infra_shared import alert_words
from infra_shared.mail_words import alert_mail, plain_mail
from infra_shared.models import Alert, AlertChannel, OutboxMessage
from infra_shared.services import outbox
from infra_shared.services.alert_pages import alert_page

if TYPE_CHECKING:
    from datetime import datetime

Purpose = OutboxMessage.Purpose
_TEST = "This is a test of the channel “{name}”. Nothing is wrong."
_CANARY = "The daily canary of the channel “{name}”: alerts arrive here. Nothing is wrong."
OF_SETTINGS = "ALERT_EMAILS"
"""How the addresses of the settings are called where a channel's name would stand."""


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
        _mail(alert, purpose, None, now)
    return len(taking) + bool(settings.ALERT_EMAILS)


def write_test(channel: AlertChannel | None, now: datetime) -> OutboxMessage:
    """A message to a channel that says it is a test; None stands for the addresses in ALERT_EMAILS."""
    name = channel.name if channel is not None else OF_SETTINGS
    return _write_plainly(channel, Purpose.TEST, _TEST.format(name=name), "", now)


def write_canary(channel: AlertChannel | None, now: datetime) -> OutboxMessage:
    """The day's canary of a channel, written once a day; None stands for the addresses in ALERT_EMAILS."""
    name = channel.name if channel is not None else OF_SETTINGS
    once = f"canary:{channel.pk if channel is not None else 0}:{now:%Y-%m-%d}"
    return _write_plainly(channel, Purpose.CANARY, _CANARY.format(name=name), once, now)


def _write(alert: Alert, purpose: OutboxMessage.Purpose, channel: AlertChannel, now: datetime) -> None:
    if channel.kind == AlertChannel.Kind.EMAIL:
        _mail(alert, purpose, channel, now)
        return
    subject, url = alert_words.subject_of(alert, purpose), alert_page(alert)
    about = outbox.About(purpose=purpose, alert=alert, channel=channel)
    is_slack = channel.kind == AlertChannel.Kind.SLACK
    body = (
        alert_words.slack_of(alert, purpose, url)
        if is_slack
        else alert_words.webhook_of(alert, purpose, url, now)
    )
    outbox.enqueue_webhook(channel=channel, subject=subject, body=body, about=about, now=now)


def _mail(alert: Alert, purpose: OutboxMessage.Purpose, channel: AlertChannel | None, now: datetime) -> None:
    """A mail to the addresses of a channel, or of ALERT_EMAILS; with a picture where there is one to show."""
    seen_ref = alert.seen_ref if settings.MAIL_PICTURES and purpose != Purpose.RECOVERED else ""
    bodies = alert_mail(alert, purpose, alert_page(alert), with_picture=bool(seen_ref))
    outbox.enqueue_mail(
        recipients=_addresses(channel),
        subject=alert_words.subject_of(alert, purpose),
        body_text=bodies.text,
        body_html=bodies.html,
        about=outbox.About(purpose=purpose, alert=alert, channel=channel, seen_ref=seen_ref),
        now=now,
    )


def _addresses(channel: AlertChannel | None) -> list[str]:
    return list(settings.ALERT_EMAILS) if channel is None else channel.place.split(", ")


def _write_plainly(
    channel: AlertChannel | None, purpose: OutboxMessage.Purpose, text: str, once: str, now: datetime
) -> OutboxMessage:
    """A message about no alert."""
    subject, about = f"[{purpose}] {text}", outbox.About(purpose=purpose, channel=channel)
    if channel is None or channel.kind == AlertChannel.Kind.EMAIL:
        bodies = plain_mail(text)
        return outbox.enqueue_mail(
            recipients=_addresses(channel),
            subject=subject,
            body_text=bodies.text,
            body_html=bodies.html,
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
