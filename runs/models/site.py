"""How a site does: its circuit breaker and its pace."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from runs.breaker_policy import Patience
from runs.models.attempt import Attempt

if TYPE_CHECKING:
    from datetime import datetime


class Breaker(models.TextChoices):
    """Where a site's circuit breaker stands."""

    CLOSED = "closed", "Closed"
    OPEN = "open", "Open"
    HALF_OPEN = "half_open", "Half open"


class SiteQuerySet(models.QuerySet["Site"]):
    """Questions about sites."""

    def holding_back(self, now: datetime) -> SiteQuerySet:
        """Those whose attempts may have to wait: the breaker is not closed, or the next start is not due."""
        return self.filter(~Q(breaker=Breaker.CLOSED) | Q(next_start_at__gt=now))


class Site(models.Model):
    """One origin: what its circuit breaker saw, and when the next attempt may begin there.

    Made when there is something to say about a site: a failure, a pace, or numbers of its own.
    """

    origin = models.CharField(max_length=255, unique=True)
    breaker = models.CharField(max_length=10, choices=Breaker.choices, default=Breaker.CLOSED)
    breaker_reason = models.CharField(max_length=500, blank=True)
    changed_at = models.DateTimeField(null=True, blank=True, help_text="When the breaker last changed.")
    times_opened = models.PositiveIntegerField(default=0, help_text="In a row, without closing.")
    probe_at = models.DateTimeField(null=True, blank=True, help_text="Open: when one attempt goes ahead.")
    probe = models.ForeignKey(
        Attempt,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="Half open: the attempt that went ahead.",
    )
    failures = models.JSONField(default=list, help_text="When the latest failures were, as ISO 8601.")
    next_start_at = models.DateTimeField(null=True, blank=True, help_text="No attempt begins before.")

    open_after = models.PositiveIntegerField(default=5, help_text="Failures that open the breaker.")
    window_seconds = models.PositiveIntegerField(default=300, help_text="Within this time.")
    pause_seconds = models.PositiveIntegerField(default=60, help_text="How long it stays open at first.")

    objects = SiteQuerySet.as_manager()

    class Meta:
        ordering = ("origin",)
        constraints = [
            models.CheckConstraint(
                condition=~Q(breaker=Breaker.OPEN) | Q(probe_at__isnull=False),
                name="site_open_says_until_when",
            ),
            models.CheckConstraint(
                condition=Q(open_after__gte=1, window_seconds__gte=1, pause_seconds__gte=1),
                name="site_patience_positive",
            ),
        ]

    def __str__(self) -> str:
        return self.origin

    @property
    def patience(self) -> Patience:
        """Its numbers, as the decision takes them."""
        return Patience(
            failures=self.open_after,
            window=timedelta(seconds=self.window_seconds),
            pause=timedelta(seconds=self.pause_seconds),
        )
