"""What is counted, and what could not be delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from infra_shared.clock import utc_now
from infra_shared.models import ALL
from intake.models.event import MAX_KEY_LENGTH
from intake.models.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable


class IntakeLedgerQuerySet(models.QuerySet["IntakeLedger"]):
    """Questions about the ledger."""

    def for_customers(self, customers: Iterable[str]) -> IntakeLedgerQuerySet:
        """The lines of the sources of these customers; "*" means all, and messages of no known source too."""
        keys = list(customers)
        return self if ALL in keys else self.filter(source__customer__key__in=keys)


class IntakeLedger(models.Model):
    """How many messages of a source were answered on a day (UTC), and how; counted in the transaction that answers.

    The line without a slug is for messages that name no source there is. What was stored and has been removed since,
    because it was old, is counted by what had become of it.
    """

    day = models.DateField()
    slug = models.CharField(max_length=63, blank=True)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    received = models.PositiveBigIntegerField(default=0)
    stored = models.PositiveBigIntegerField(default=0)
    duplicate = models.PositiveBigIntegerField(default=0)
    rejected = models.PositiveBigIntegerField(default=0)
    removed_routed = models.PositiveBigIntegerField(default=0)
    removed_failed = models.PositiveBigIntegerField(default=0)
    removed_ignored = models.PositiveBigIntegerField(default=0)

    objects = IntakeLedgerQuerySet.as_manager()

    class Meta:
        ordering = ("-day", "slug")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=("day", "slug"), name="ledger_line_once"),
            models.CheckConstraint(
                condition=Q(received=F("stored") + F("duplicate") + F("rejected")),
                name="ledger_received_is_answered",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.slug or 'unknown'}"


class DeadLetterQuerySet(models.QuerySet["DeadLetter"]):
    """Questions about dead letters."""

    def open(self) -> DeadLetterQuerySet:
        """Those that have not been delivered since."""
        return self.filter(delivered_at__isnull=True)

    def for_customers(self, customers: Iterable[str]) -> DeadLetterQuerySet:
        """Those of the sources of these customers; "*" means all, and letters of no known source too."""
        keys = list(customers)
        return self if ALL in keys else self.filter(source__customer__key__in=keys)


class DeadLetter(models.Model):
    """A message the edge gave up on. The edge keeps it, body and all, and sends it again when it is told to."""

    message_id = models.UUIDField(unique=True)
    slug = models.CharField(max_length=63, help_text="The source, as the edge names it.")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    key = models.CharField(max_length=MAX_KEY_LENGTH)
    reason = models.CharField(max_length=500)
    scheme = models.CharField(max_length=20)
    content_type = models.CharField(max_length=255, blank=True)
    size_bytes = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    edge_attempts = models.PositiveIntegerField()
    redrives = models.PositiveIntegerField(default=0)
    received_at = models.DateTimeField()
    dead_at = models.DateTimeField()
    noted_at = models.DateTimeField(default=utc_now)
    delivered_at = models.DateTimeField(
        null=True, blank=True, help_text="When it came through after all; empty: it still has not."
    )

    objects = DeadLetterQuerySet.as_manager()

    class Meta:
        ordering = ("-dead_at", "-id")
        permissions = (("redrive_deadletter", "Can redrive dead letters"),)
        indexes = [
            models.Index(
                fields=("-dead_at",), name="dead_letter_open", condition=Q(delivered_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.slug} {self.message_id}"
