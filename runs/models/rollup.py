"""Figures written when a run ends, so that no screen has to count a history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from automations.models import Automation, Customer
from runs.models.run import Run
from webgraph.errors import FailureKind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime


class HourQuerySet(models.QuerySet["HourFigures"]):
    """Questions about the figures of hours."""

    def since(self, moment: datetime) -> HourQuerySet:
        """Those of hours that began at `moment` or later, in order of time."""
        return self.filter(hour__gte=moment).order_by("hour")

    def for_customers(self, customers: Iterable[str]) -> HourQuerySet:
        """Those within reach of a list of customer keys; "*" reaches all."""
        keys = list(customers)
        return self if "*" in keys else self.filter(customer__key__in=keys)


class HourFigures(models.Model):
    """How the runs of one automation and customer ended within one hour.

    `seconds_histogram` counts succeeded runs by duration: key "n" stands for durations below 2 ** (n / 4) seconds and
    not below 2 ** ((n - 1) / 4).
    """

    hour = models.DateTimeField()
    automation = models.ForeignKey(Automation, on_delete=models.CASCADE, related_name="+")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+")
    succeeded = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    cancelled = models.PositiveIntegerField(default=0)
    seconds_total = models.FloatField(default=0)
    seconds_histogram = models.JSONField(default=dict)

    objects = HourQuerySet.as_manager()

    class Meta:
        ordering = ("hour",)
        constraints = [
            models.UniqueConstraint(fields=("hour", "automation", "customer"), name="hour_figures_once"),
        ]

    def __str__(self) -> str:
        return f"{self.automation} {self.hour:%Y-%m-%d %H:00}"


class AutomationHealth(models.Model):
    """The latest ends of one automation and customer: `recent` holds up to 20, the newest first.

    Each is {"run": id, "state": state, "seconds": duration or None}. `failing_streak` counts failures since the last
    success; `last_success` is the run to compare a failure with.
    """

    automation = models.ForeignKey(Automation, on_delete=models.CASCADE, related_name="health")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+")
    recent = models.JSONField(default=list)
    failing_streak = models.PositiveIntegerField(default=0)
    last_success = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ("automation", "customer")
        constraints = [
            models.UniqueConstraint(fields=("automation", "customer"), name="automation_health_once"),
        ]

    def __str__(self) -> str:
        return f"{self.automation} for {self.customer}"


class FailureFamily(models.Model):
    """Failures that look alike: same automation, customer, stage, kind and normalised message."""

    automation = models.ForeignKey(Automation, on_delete=models.CASCADE, related_name="+")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+")
    stage = models.CharField(max_length=100, blank=True)
    failure_kind = models.CharField(
        max_length=20, blank=True, choices=[(kind.value, kind.value) for kind in FailureKind]
    )
    digest = models.CharField(max_length=64, help_text="SHA-256 of the normalised message.")
    message = models.TextField(help_text="The normalised message.")
    count = models.PositiveIntegerField(default=0)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    last_run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ("-last_seen_at",)
        verbose_name_plural = "failure families"
        constraints = [
            models.UniqueConstraint(
                fields=("automation", "customer", "stage", "failure_kind", "digest"),
                name="failure_family_once",
            ),
        ]
        indexes = [models.Index(fields=("-last_seen_at",), name="failure_family_recent")]

    def __str__(self) -> str:
        return self.message
