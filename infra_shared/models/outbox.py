"""Messages that leave the system, written in the transaction that caused them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils import timezone

if TYPE_CHECKING:
    from datetime import datetime


class OutboxQuerySet(models.QuerySet["OutboxMessage"]):
    """Questions about the outbox."""

    def due(self, now: datetime) -> OutboxQuerySet:
        """Pending messages whose next attempt is due, the longest waiting first."""
        pending = self.filter(state=OutboxMessage.State.PENDING, next_attempt_at__lte=now)
        return pending.order_by("next_attempt_at", "id")


class OutboxMessage(models.Model):
    """One message and how far it got."""

    class Channel(models.TextChoices):
        """Where it goes. `log` is for alerts while nobody is named to be mailed: the log line was the delivery."""

        EMAIL = "email"
        LOG = "log"

    class State(models.TextChoices):
        """Where in life it is; `failed` is final until a person sends it again."""

        PENDING = "pending"
        SENT = "sent"
        FAILED = "failed"

    channel = models.CharField(max_length=10, choices=Channel)
    recipient = models.CharField(max_length=1000, blank=True, help_text="Addresses, separated by commas.")
    subject = models.CharField(max_length=300)
    body_text = models.TextField()
    body_html = models.TextField(blank=True)
    dedupe_key = models.CharField(
        max_length=200, blank=True, help_text="A second message with the same key is not written."
    )
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    sent_at = models.DateTimeField(null=True, blank=True)

    objects = OutboxQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(
                fields=("dedupe_key",), condition=~Q(dedupe_key=""), name="outbox_once_per_key"
            ),
            models.CheckConstraint(
                condition=Q(state="pending", next_attempt_at__isnull=False, sent_at__isnull=True)
                | Q(state="sent", next_attempt_at__isnull=True, sent_at__isnull=False)
                | Q(state="failed", next_attempt_at__isnull=True, sent_at__isnull=True),
                name="outbox_state_times",
            ),
            models.CheckConstraint(
                condition=Q(channel="log") | ~Q(recipient=""), name="outbox_mail_has_recipient"
            ),
        ]
        indexes = [
            models.Index(fields=("next_attempt_at",), condition=Q(state="pending"), name="outbox_due"),
            models.Index(fields=("state", "-id"), name="outbox_by_state"),
        ]

    def __str__(self) -> str:
        return self.subject
