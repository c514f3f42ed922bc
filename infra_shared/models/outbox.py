"""Messages that leave the system, written in the transaction that caused them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from infra_shared.models.alert import Alert, AlertChannel

if TYPE_CHECKING:
    from datetime import datetime


class OutboxQuerySet(models.QuerySet["OutboxMessage"]):
    """Questions about the outbox."""

    def due(self, now: datetime) -> OutboxQuerySet:
        """Pending messages whose next attempt is due, the longest waiting first."""
        pending = self.filter(state=OutboxMessage.State.PENDING, next_attempt_at__lte=now)
        return pending.order_by("next_attempt_at", "id")

    def failed(self) -> OutboxQuerySet:
        """Those that are not tried again until a person says so."""
        return self.filter(state=OutboxMessage.State.FAILED)


class OutboxMessage(models.Model):
    """One message and how far it got.

    A message that was one of too many is `folded`: its `digest` says it, together with the others.
    """

    class Channel(models.TextChoices):
        """How it goes."""

        EMAIL = "email", "E-mail"
        WEBHOOK = "webhook", "Webhook"

    class Purpose(models.TextChoices):
        """What it says; a plain mail says nothing of an alert."""

        PLAIN = "plain", "Mail"
        OPENED = "opened", "Alert"
        REMINDER = "reminder", "Reminder"
        RECOVERED = "recovered", "Recovery"
        TEST = "test", "Test"
        CANARY = "canary", "Daily canary"
        DIGEST = "digest", "Digest"

    class State(models.TextChoices):
        """Where in life it is; `failed` is final until a person sends it again, or drops what nobody needs any more."""

        PENDING = "pending"
        SENT = "sent"
        FAILED = "failed"
        FOLDED = "folded"
        DROPPED = "dropped"

    channel = models.CharField(max_length=10, choices=Channel)
    purpose = models.CharField(max_length=10, choices=Purpose, default=Purpose.PLAIN)
    alert = models.ForeignKey(
        Alert, on_delete=models.SET_NULL, null=True, blank=True, related_name="deliveries"
    )
    alert_channel = models.ForeignKey(
        AlertChannel, on_delete=models.SET_NULL, null=True, blank=True, related_name="deliveries"
    )
    recipient = models.CharField(
        max_length=1000, help_text="Addresses, separated by commas; of a webhook the origin."
    )
    subject = models.CharField(max_length=300)
    body_text = models.TextField(help_text="The text of a mail; the whole body of a webhook.")
    body_html = models.TextField(blank=True)
    seen_ref = models.CharField(
        max_length=100, blank=True, help_text="What a picture is shown of, as its alert says."
    )
    digest = models.ForeignKey("self", on_delete=models.CASCADE, null=True, blank=True, related_name="folded")
    dedupe_key = models.CharField(
        max_length=200, blank=True, help_text="A second message with the same key is not written."
    )
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True)
    tries: models.JSONField[Any, list[dict[str, str]]] = models.JSONField(
        default=list, blank=True, help_text="The latest tries: `at`, and its `error`, empty when it was sent."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    sent_at = models.DateTimeField(null=True, blank=True)

    objects = OutboxQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        permissions = (("resend_outboxmessage", "Can send messages again and drop them"),)
        constraints = [
            models.UniqueConstraint(
                fields=("dedupe_key",), condition=~Q(dedupe_key=""), name="outbox_once_per_key"
            ),
            models.CheckConstraint(
                condition=Q(state="pending", next_attempt_at__isnull=False, sent_at__isnull=True)
                | Q(state="sent", next_attempt_at__isnull=True, sent_at__isnull=False)
                | Q(
                    state__in=("failed", "folded", "dropped"),
                    next_attempt_at__isnull=True,
                    sent_at__isnull=True,
                ),
                name="outbox_state_times",
            ),
            models.CheckConstraint(
                condition=Q(state="folded", digest__isnull=False)
                | (~Q(state="folded") & Q(digest__isnull=True)),
                name="outbox_folded_has_its_digest",
            ),
            models.CheckConstraint(condition=~Q(recipient=""), name="outbox_has_recipient"),
        ]
        indexes = [
            models.Index(fields=("next_attempt_at",), condition=Q(state="pending"), name="outbox_due"),
            models.Index(fields=("state", "-id"), name="outbox_by_state"),
            # How many a recipient was sent lately.
            models.Index(fields=("sent_at",), condition=Q(state="sent"), name="outbox_sent"),
            # How long ago the last canary of each channel arrived.
            models.Index(fields=("purpose", "-id"), name="outbox_by_purpose"),
        ]

    def __str__(self) -> str:
        return self.subject

    @property
    def addresses(self) -> list[str]:
        """The recipients of a mail, one by one."""
        return [address.strip() for address in self.recipient.split(",")]

    @property
    def is_private(self) -> bool:
        """Whether its text is for its recipient alone: a plain mail may hold a link that signs in, or a code."""
        return self.purpose == self.Purpose.PLAIN
