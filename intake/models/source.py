"""Who sends webhooks, and the secrets by which the edge knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from automations.models import Customer
from automations.models.customer import key_validator
from infra_shared.clock import utc_now
from infra_shared.crypto import EncryptedJSONField
from infra_shared.models import ALL

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

DEFAULT_TOLERANCE_SECONDS = 300
DEFAULT_WINDOW_SECONDS = 600
MAX_BODY_BYTES = 10_000_000


class Scheme(models.TextChoices):
    """How a sender proves who it is; the edge checks it."""

    STANDARD = "standard", "Standard Webhooks"
    GITHUB = "github", "GitHub"
    STRIPE = "stripe", "Stripe"
    SLACK = "slack", "Slack"
    SHOPIFY = "shopify", "Shopify"
    TWILIO = "twilio", "Twilio"
    HMAC = "hmac", "HMAC in a header"
    HEADER = "header", "Key in a header"
    BEARER = "bearer", "Bearer token"
    BASIC = "basic", "Basic authentication"


class Rate(models.TextChoices):
    """How much the edge takes from a source before it answers 429."""

    LOW = "low", "Low"
    NORMAL = "normal", "Normal"
    HIGH = "high", "High"


class SourceQuerySet(models.QuerySet["Source"]):
    """Questions about sources."""

    def present(self) -> SourceQuerySet:
        """Those that are not deleted."""
        return self.filter(deleted_at__isnull=True)

    def for_customers(self, customers: Iterable[str]) -> SourceQuerySet:
        """Those of a list of customer keys; "*" means all."""
        keys = list(customers)
        return self if ALL in keys else self.filter(customer__key__in=keys)


class Source(models.Model):
    """One sender. Its slug is a part of its address at the edge and is never used again; its customer never changes.

    What the edge needs to know is pushed to it by `edge sync`. `type_header` or `type_path` (JMESPath over the body) says
    where the type of an event is found, where the scheme does not. A deleted source stays as the owner of its events.
    """

    slug = models.CharField(max_length=63, unique=True, validators=[key_validator])
    name = models.CharField(max_length=200, blank=True)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    scheme = models.CharField(max_length=10, choices=Scheme.choices)
    options = models.JSONField(
        default=dict, blank=True, help_text="What the scheme needs beside its secrets."
    )
    tolerance_seconds = models.PositiveIntegerField(
        default=DEFAULT_TOLERANCE_SECONDS,
        help_text="How old a sender's timestamp may be, where it signs one.",
    )
    window_seconds = models.PositiveIntegerField(
        default=DEFAULT_WINDOW_SECONDS,
        help_text="Events known by nothing but the same body are one event within such a window.",
    )
    key_header = models.CharField(
        max_length=100,
        blank=True,
        help_text="Header whose value tells deliveries apart, where the scheme names none.",
    )
    type_header = models.CharField(max_length=100, blank=True)
    type_path = models.CharField(max_length=500, blank=True)
    ip_allow = models.JSONField(default=list, blank=True, help_text="Networks it may send from; empty: any.")
    rate = models.CharField(max_length=10, choices=Rate.choices, default=Rate.NORMAL)
    max_bytes = models.PositiveIntegerField(default=MAX_BODY_BYTES)
    content_types = models.JSONField(default=list, blank=True, help_text="Those it takes; empty: any.")
    is_enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=utc_now)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    synced_at = models.DateTimeField(
        null=True, blank=True, help_text="When the edge was last known to have it as it is here."
    )

    objects = SourceQuerySet.as_manager()

    class Meta:
        ordering = ("slug",)
        constraints = [
            models.CheckConstraint(
                condition=Q(type_header="") | Q(type_path=""), name="source_type_in_one_place"
            ),
            models.CheckConstraint(
                condition=Q(max_bytes__lte=MAX_BODY_BYTES), name="source_bodies_fit_the_edge"
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.slug


class SourceSecretQuerySet(models.QuerySet["SourceSecret"]):
    """Questions about the secrets of sources."""

    def valid_at(self, now: datetime) -> SourceSecretQuerySet:
        """Those the edge may accept then, the newest first."""
        return self.filter(Q(valid_until__isnull=True) | Q(valid_until__gt=now)).order_by("-pk")


class SourceSecret(models.Model):
    """One secret a source signs with: written, never shown. Several are valid while one takes over from another."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="secrets")
    secret = EncryptedJSONField()
    created_at = models.DateTimeField(default=utc_now)
    created_by = models.CharField(max_length=200)
    valid_until = models.DateTimeField(null=True, blank=True, help_text="Empty: until another takes over.")
    last_used_at = models.DateTimeField(
        null=True, blank=True, help_text="When the edge last found a signature made with it."
    )

    objects = SourceSecretQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        default_permissions = ()

    def __str__(self) -> str:
        return f"secret {self.pk} of {self.source_id}"
