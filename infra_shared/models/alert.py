"""What needs somebody, and where that is said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from django.db import models
from django.db.models import Q

from infra_shared.clock import utc_now
from infra_shared.crypto import EncryptedJSONField, Sealed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime


class Severity(models.TextChoices):
    """How much it matters."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class AlertQuerySet(models.QuerySet["Alert"]):
    """Questions about alerts."""

    def open(self) -> AlertQuerySet:
        """Those that are not over, the one seen last first."""
        return self.filter(closed_at__isnull=True).order_by("-last_seen_at", "-id")

    def of_rules(self, *rules: str) -> AlertQuerySet:
        """Those of some rules."""
        return self.filter(rule__in=rules)

    def for_customers(self, customers: Iterable[str]) -> AlertQuerySet:
        """Those within reach of a list of customer keys; "*" reaches all."""
        keys = list(customers)
        return self if "*" in keys else self.filter(customer__in=keys)


class Alert(models.Model):
    """One thing that may go wrong, known by its key, with its latest time of being wrong.

    A key is the rule and what it is about: "failure:17". The row is made when it happens first; it closes when things
    work again and opens anew when they do not. `count` counts since `opened_at`, `openings` over all. `is_told`
    says that people know it to be open; `told_at` is when that was last said. A mute outlives the closing.
    `seen_ref` and `seen_link` name what the latest was seen in; only who shows pictures of it reads the first.
    """

    key = models.CharField(max_length=200, unique=True)
    rule = models.CharField(max_length=40)
    severity = models.CharField(max_length=10, choices=Severity, default=Severity.WARNING)
    title = models.CharField(max_length=300)
    text = models.TextField()
    link = models.CharField(max_length=500, blank=True)
    advice = models.CharField(max_length=500, blank=True, help_text="What to do about it.")
    seen_ref = models.CharField(
        max_length=100, blank=True, help_text="What the latest was seen in, for who can show a picture of it."
    )
    seen_link = models.CharField(max_length=500, blank=True, help_text="The page of that.")
    customer = models.CharField(
        max_length=100, blank=True, help_text="Key of the customer; empty: the system's own."
    )
    automation = models.CharField(max_length=100, blank=True, help_text="Key of the automation.")
    opened_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    close_reason = models.CharField(max_length=500, blank=True)
    count = models.PositiveIntegerField(default=1)
    openings = models.PositiveIntegerField(default=1)
    is_told = models.BooleanField(default=False)
    told_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.CharField(max_length=200, blank=True)
    acknowledge_note = models.CharField(max_length=500, blank=True)
    muted_until = models.DateTimeField(null=True, blank=True)
    muted_by = models.CharField(max_length=200, blank=True)
    mute_reason = models.CharField(max_length=500, blank=True)

    objects = AlertQuerySet.as_manager()

    class Meta:
        ordering = ("-last_seen_at", "-id")
        permissions = (("handle_alert", "Can acknowledge and mute alerts"),)
        constraints = [
            models.CheckConstraint(
                condition=~Q(is_told=True) | Q(told_at__isnull=False), name="alert_told_has_its_time"
            ),
        ]
        indexes = [
            models.Index(fields=("-last_seen_at", "-id"), name="alert_recent"),
            # Looked through each minute and by the overview: the few that are open.
            models.Index(fields=("rule",), condition=Q(closed_at__isnull=True), name="alert_open"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_open(self) -> bool:
        """Whether it is not over."""
        return self.closed_at is None

    @property
    def subject(self) -> str:
        """What the rule is about: the key without the rule."""
        return self.key.partition(":")[2]

    def is_muted(self, now: datetime) -> bool:
        """Whether nobody is told of it."""
        return self.muted_until is not None and self.muted_until > now

    def state_at(self, now: datetime) -> Literal["open", "acknowledged", "muted", "over"]:
        """Where it stands, in one word."""
        if not self.is_open:
            return "over"
        if self.is_muted(now):
            return "muted"
        return "acknowledged" if self.acknowledged_at is not None else "open"


class AlertChannel(models.Model):
    """Where alerts are told: mailboxes, or an address that takes them over HTTP.

    The web address is kept as a secret too, because for many services whoever knows it may post there; `place` is what
    may be shown of it. Empty lists of rules, customers and automations stand for all.
    """

    class Kind(models.TextChoices):
        """In which form."""

        EMAIL = "email", "E-mail"
        WEBHOOK = "webhook", "Webhook, signed by Standard Webhooks"
        SLACK = "slack", "Slack-compatible webhook"

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=10, choices=Kind)
    place = models.CharField(
        max_length=1000, help_text="Addresses by commas, or the origin of the web address."
    )
    url: models.Field[Any, Sealed | None] = EncryptedJSONField(  # type: ignore[misc]  # its own type is that of a filled column
        null=True, blank=True
    )
    secret: models.Field[Any, Sealed | None] = EncryptedJSONField(  # type: ignore[misc]  # as above
        null=True, blank=True
    )
    rules: models.JSONField[Any, list[str]] = models.JSONField(default=list, blank=True)
    customers: models.JSONField[Any, list[str]] = models.JSONField(default=list, blank=True)
    automations: models.JSONField[Any, list[str]] = models.JSONField(default=list, blank=True)
    tells_recovery = models.BooleanField(default=True)
    is_on = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=utc_now)
    updated_at = models.DateTimeField(default=utc_now)

    class Meta:
        ordering = ("name",)
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="email", url__isnull=True, secret__isnull=True)
                | Q(kind="webhook", url__isnull=False, secret__isnull=False)
                | Q(kind="slack", url__isnull=False, secret__isnull=True),
                name="alert_channel_has_what_its_kind_needs",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def takes(self, alert: Alert) -> bool:
        """Whether this alert is told here. One without a customer is only where no customer is chosen."""
        return (
            self.is_on
            and (not self.rules or alert.rule in self.rules)
            and (not self.customers or alert.customer in self.customers)
            and (not self.automations or alert.automation in self.automations)
        )
