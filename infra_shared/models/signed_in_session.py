"""Signed-in sessions: browser state that is used again, and who is signing in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q

from infra_shared.clock import utc_now
from infra_shared.crypto import EncryptedJSONField, Sealed

if TYPE_CHECKING:
    from datetime import datetime


class SignedInSessionQuerySet(models.QuerySet["SignedInSession"]):
    """Questions about signed-in sessions."""

    def being_signed_in(self, now: datetime) -> SignedInSessionQuerySet:
        """Those somebody is signing in for: everybody else waits. Few, whatever the number of sessions."""
        return self.exclude(holder="").filter(lease_expires_at__gt=now)

    def kept(self) -> SignedInSessionQuerySet:
        """Those with a state, which is left in the database."""
        return self.filter(stored_at__isnull=False).defer("state")


class SignedInSession(models.Model):
    """One session of a customer at a site, as `infra_shared.sessions.rules.Record` says it, with its state encrypted.

    Customer, site, account and holder are opaque strings here.
    """

    customer = models.CharField(max_length=100)
    site = models.CharField(max_length=200)
    account = models.CharField(max_length=200)
    state: models.Field[Any, Sealed | None] = EncryptedJSONField(  # type: ignore[misc]  # its own type is that of a filled column
        null=True
    )
    generation = models.PositiveBigIntegerField(default=0)
    stored_at = models.DateTimeField(null=True, blank=True)
    max_age_seconds = models.PositiveIntegerField(
        default=0, help_text="How old a state may be for whoever wants it for longest; then it is erased."
    )
    obstacle = models.CharField(
        max_length=500, blank=True, help_text="Why the latest login could not be kept."
    )
    fence = models.PositiveBigIntegerField(default=0)
    holder = models.CharField(max_length=100, blank=True, help_text="Who is signing in.")
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0, help_text="Logins that failed one after another.")
    failed_at = models.DateTimeField(null=True, blank=True)
    last_failure = models.CharField(max_length=500, blank=True)
    locked_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=utc_now)

    objects = SignedInSessionQuerySet.as_manager()

    class Meta:
        ordering = ("customer", "site", "account")
        verbose_name = "signed-in session"
        permissions = (("end_signedinsession", "Can end signed-in sessions and release their locks"),)
        constraints = [
            models.UniqueConstraint(fields=("customer", "site", "account"), name="session_once"),
            models.CheckConstraint(
                condition=Q(stored_at__isnull=True, state__isnull=True)
                | Q(stored_at__isnull=False, state__isnull=False),
                name="session_kept_exactly_when_stored",
            ),
        ]
        indexes = [
            # Read at each turn of the dispatcher.
            models.Index(fields=("lease_expires_at",), name="session_held", condition=~Q(holder="")),
        ]

    def __str__(self) -> str:
        return f"{self.account} at {self.site}"
