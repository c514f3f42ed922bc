"""Who calls the API, and the keys they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact

if TYPE_CHECKING:
    from datetime import datetime

ALL = "*"
"""In a caller's customers or a key's scopes: every one, also those to come."""


class Caller(models.Model):
    """The owner of API keys, who survives their rotation: idempotency keys and runs belong to the caller."""

    name = models.CharField(max_length=100, unique=True)
    customers = models.JSONField(
        default=list, help_text="Keys of the customers within reach; ['*'] for all of them."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def reaches(self, customer: str) -> bool:
        """Whether what belongs to this customer is within the caller's reach."""
        return ALL in self.customers or customer in self.customers


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    """Questions about API keys."""

    def usable(self, now: datetime) -> ApiKeyQuerySet:
        """Those that are neither revoked nor expired."""
        not_expired = Q(expires_at__isnull=True) | Q(expires_at__gt=now)
        return self.filter(not_expired, revoked_at__isnull=True)


class ApiKey(models.Model):
    """One key. Its secret is random over 256 bits, so a plain SHA-256 of it is safe to keep and quick to compare."""

    public_id = models.CharField(max_length=8, unique=True, editable=False)
    secret_sha256 = models.CharField(max_length=64, editable=False)
    caller = models.ForeignKey(Caller, on_delete=models.PROTECT, related_name="keys")
    name = models.CharField(max_length=100)
    scopes = models.JSONField(default=list, help_text="What the key may do; ['*'] for everything.")
    created_by = models.CharField(max_length=200, help_text="Actor, such as operator:anna.")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(
        null=True, blank=True, help_text="Exact to a minute: not every request is worth a write."
    )

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"
        ordering = ("-id",)
        constraints = [
            models.CheckConstraint(
                condition=Q(Exact(Length("public_id"), 8)) & Q(Exact(Length("secret_sha256"), 64)),
                name="api_key_well_formed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.public_id})"

    def may(self, scope: str) -> bool:
        """Whether the key carries the scope."""
        return ALL in self.scopes or scope in self.scopes
