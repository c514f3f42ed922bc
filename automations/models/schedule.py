"""A time rule that starts runs of one automation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from automations.fire_times import TimeRule
from automations.models.automation import Automation, AutomationVersion
from automations.models.customer import Customer

if TYPE_CHECKING:
    from datetime import datetime


class ScheduleKind(models.TextChoices):
    """How a schedule plans its fire times."""

    CRON = "cron", "Cron expression"
    INTERVAL = "interval", "Every so often"


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    """Questions about schedules."""

    def due(self, now: datetime) -> ScheduleQuerySet:
        """Those whose next fire time has come, the longest overdue first."""
        return self.filter(next_fire_at__lte=now, paused_at__isnull=True).order_by("next_fire_at")


class Schedule(models.Model):
    """One time rule. `planned_until` is the watermark: every planned time up to it has its occurrence row.

    Fire times are computed from the watermark, never from the clock; changing the rule moves the watermark to now,
    so an edit fires nothing of the past.
    """

    name = models.CharField(max_length=200)
    automation = models.ForeignKey(Automation, on_delete=models.PROTECT, related_name="schedules")
    pinned_version = models.ForeignKey(
        AutomationVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="schedules")
    params = models.JSONField(default=dict, blank=True)
    kind = models.CharField(max_length=10, choices=ScheduleKind.choices, default=ScheduleKind.CRON)
    cron = models.CharField(
        max_length=200, blank=True, help_text="Five fields: minute hour day month weekday."
    )
    every_seconds = models.PositiveIntegerField(null=True, blank=True)
    anchor_at = models.DateTimeField(null=True, blank=True, help_text="Intervals count from this moment.")
    time_zone = models.CharField(max_length=64, default="UTC")
    planned_until = models.DateTimeField()
    next_fire_at = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    pause_reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ScheduleQuerySet.as_manager()

    class Meta:
        ordering = ("name", "id")
        constraints = [
            models.CheckConstraint(
                condition=(Q(kind=ScheduleKind.CRON) & ~Q(cron="") & Q(every_seconds__isnull=True))
                | (
                    Q(kind=ScheduleKind.INTERVAL)
                    & Q(cron="")
                    & Q(every_seconds__gte=1)
                    & Q(anchor_at__isnull=False)
                ),
                name="schedule_has_the_rule_of_its_kind",
            ),
            models.CheckConstraint(
                condition=Q(next_fire_at__isnull=True) | Q(next_fire_at__gt=F("planned_until")),
                name="schedule_next_fire_after_watermark",
            ),
        ]
        indexes = [
            # Read by each tick of each dispatcher: only schedules that can fire.
            models.Index(
                fields=("next_fire_at",), name="schedule_ready", condition=Q(paused_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def rule(self) -> TimeRule:
        """The time rule as a value for `automations.fire_times`."""
        return TimeRule(
            kind=self.kind,
            cron=self.cron,
            every_seconds=self.every_seconds,
            anchor_at=self.anchor_at,
            time_zone=self.time_zone,
        )
