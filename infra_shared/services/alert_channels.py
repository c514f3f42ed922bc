"""Channels of alerts: made, changed, removed, tested, and proved by a canary each day."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from infra_shared.http.post import complaint_about_url
from infra_shared.models import AlertChannel, OutboxMessage
from infra_shared.services import audit
from infra_shared.services.alert_messages import OF_SETTINGS, write_canary, write_test
from infra_shared.services.webhooks import new_secret

if TYPE_CHECKING:
    from datetime import datetime

CANARY_OVERDUE = timedelta(hours=26)
"""A day, and time for a chore that came late."""


class ChannelRefusedError(Exception):
    """A channel that cannot be kept; `field` is what is wrong with it, the message says what to do."""

    def __init__(self, field_name: str, message: str) -> None:
        super().__init__(message)
        self.field = field_name


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelInput:
    """What a channel is to be. An empty `url` keeps the stored one; empty lists stand for all."""

    name: str
    kind: AlertChannel.Kind
    addresses: list[str] = field(default_factory=list)
    url: str = ""
    rules: list[str] = field(default_factory=list)
    customers: list[str] = field(default_factory=list)
    automations: list[str] = field(default_factory=list)
    tells_recovery: bool = True
    is_on: bool = True


@dataclass(frozen=True, slots=True)
class CanaryState:
    """How the proof of one channel stands: when a canary last arrived, and why the newest has not, if it has not."""

    name: str
    channel_id: int | None
    arrived_at: datetime | None
    error: str
    is_overdue: bool


@transaction.atomic
def add_channel(*, wanted: ChannelInput, actor: str) -> tuple[AlertChannel, str]:
    """A new channel, and the secret of a signed webhook, which is shown to nobody again; "" for other kinds."""
    if AlertChannel.objects.filter(name=wanted.name).exists():
        raise ChannelRefusedError("name", "There is a channel of this name.")
    if wanted.kind != AlertChannel.Kind.EMAIL and not wanted.url:
        raise ChannelRefusedError("url", "Enter the address that takes the alerts.")
    channel = AlertChannel(kind=wanted.kind)
    secret = new_secret() if wanted.kind == AlertChannel.Kind.WEBHOOK else ""
    channel.secret = secret or None
    _write(channel, wanted)
    _record(channel, "add", actor)
    return channel, secret


@transaction.atomic
def change_channel(*, channel: AlertChannel, wanted: ChannelInput, actor: str) -> None:
    """Change a channel; its kind stays, and without a new address the address."""
    if AlertChannel.objects.filter(name=wanted.name).exclude(pk=channel.pk).exists():
        raise ChannelRefusedError("name", "There is another channel of this name.")
    _write(channel, wanted)
    _record(channel, "change", actor)


@transaction.atomic
def replace_secret(*, channel: AlertChannel, actor: str) -> str:
    """A new secret for a signed webhook, shown this once; the old one signs nothing from now on."""
    if channel.kind != AlertChannel.Kind.WEBHOOK:
        raise ChannelRefusedError("kind", "Only a signed webhook has a secret.")
    secret = new_secret()
    AlertChannel.objects.filter(pk=channel.pk).update(secret=secret, updated_at=timezone.now())
    _record(channel, "replace_secret", actor)
    return secret


@transaction.atomic
def remove_channel(*, channel: AlertChannel, actor: str) -> None:
    """Remove a channel; what was delivered there stays on record, what was not is not any more."""
    _record(channel, "remove", actor)
    channel.delete()


@transaction.atomic
def send_test(*, channel: AlertChannel | None, actor: str, now: datetime | None = None) -> OutboxMessage:
    """A test message to the channel, in the outbox; None stands for the addresses in ALERT_EMAILS."""
    if channel is None and not settings.ALERT_EMAILS:
        raise ChannelRefusedError("name", "ALERT_EMAILS names nobody.")
    _record(channel, "test", actor)
    return write_test(channel, now or timezone.now())


def send_canaries(*, now: datetime | None = None) -> int:
    """Write the day's canary to each channel that has none yet; how many channels there are."""
    moment = now or timezone.now()
    channels: list[AlertChannel | None] = list(AlertChannel.objects.filter(is_on=True))
    if settings.ALERT_EMAILS:
        channels.append(None)
    for channel in channels:
        write_canary(channel, moment)
    return len(channels)


def canary_states(*, now: datetime | None = None) -> list[CanaryState]:
    """How the proof of each channel stands, by name; empty when alerts go nowhere. Two statements."""
    moment = now or timezone.now()
    canaries = OutboxMessage.objects.filter(purpose=OutboxMessage.Purpose.CANARY)
    newest: dict[int | None, OutboxMessage] = {}
    arrived: dict[int | None, datetime] = {}
    for row in canaries.filter(created_at__gt=moment - timedelta(days=30)).order_by("-id"):
        newest.setdefault(row.alert_channel_id, row)
        if row.sent_at is not None:
            arrived.setdefault(row.alert_channel_id, row.sent_at)
    found: list[tuple[int | None, str, datetime]] = [
        (channel.pk, channel.name, channel.created_at) for channel in AlertChannel.objects.filter(is_on=True)
    ]
    if settings.ALERT_EMAILS:
        found.append((None, OF_SETTINGS, moment - CANARY_OVERDUE))
    return [
        CanaryState(
            name=name,
            channel_id=pk,
            arrived_at=arrived.get(pk),
            error=newest[pk].last_error if pk in newest else "",
            is_overdue=moment - arrived.get(pk, since) >= CANARY_OVERDUE,
        )
        for pk, name, since in found
    ]


def _write(channel: AlertChannel, wanted: ChannelInput) -> None:
    channel.name, channel.rules = wanted.name, wanted.rules
    channel.customers, channel.automations = wanted.customers, wanted.automations
    channel.tells_recovery, channel.is_on = wanted.tells_recovery, wanted.is_on
    if channel.kind == AlertChannel.Kind.EMAIL:
        channel.place = _checked_addresses(wanted.addresses)
    elif wanted.url:
        complaint = complaint_about_url(wanted.url, allowed=settings.ALERT_ALLOW_PRIVATE)
        if complaint:
            raise ChannelRefusedError("url", complaint)
        parts = urlsplit(wanted.url)
        channel.url, channel.place = wanted.url, f"{parts.scheme}://{parts.netloc}/…"
    channel.updated_at = timezone.now()
    channel.save()


def _checked_addresses(addresses: list[str]) -> str:
    if not addresses:
        raise ChannelRefusedError("addresses", "Enter at least one address.")
    for address in addresses:
        try:
            validate_email(address)
        except ValidationError:
            raise ChannelRefusedError("addresses", f"{address!r} is no e-mail address.") from None
    return ", ".join(addresses)


def _record(channel: AlertChannel | None, verb: str, actor: str) -> None:
    name = channel.name if channel is not None else OF_SETTINGS
    audit.record(actor=actor, action=f"alert_channel.{verb}", object_kind="alert_channel", object_id=name)
