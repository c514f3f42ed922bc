"""A time rule that starts runs of one automation."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from automations.fire_times import Gap, Repeated, TimeRule, offset
from automations.models.automation import Automation, AutomationVersion
from automations.models.customer import Customer

if TYPE_CHECKING:
    from datetime import datetime

DEFAULT_GRACE_SECONDS = 30
LOWEST_PRIORITY, HIGHEST_PRIORITY = -100, 100
DEFAULT_MISFIRE_LIMIT = 10


class ScheduleKind(models.TextChoices):
    """How a schedule plans its fire times."""

    CRON = "cron", "Cron expression"
    INTERVAL = "interval", "Every so often"
    ONCE = "once", "Once"


class Misfire(models.TextChoices):
    """What becomes of planned times that were not fired within their grace, because nothing was running."""

    SKIP = "skip", "Leave them out"
    LATEST = "latest", "Fire the latest alone"
    ALL = "all", "Fire all, up to a number"


class Overlap(models.TextChoices):
    """What becomes of a planned time while an earlier run of the schedule has not ended."""

    ALLOW = "allow", "Fire all the same"
    SKIP = "skip", "Leave it out"
    QUEUE = "queue", "Wait for the earlier run"
    CANCEL_RUNNING = "cancel_running", "Cancel the earlier run"


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    """Questions about schedules."""

    def due(self, now: datetime) -> ScheduleQuerySet:
        """Those with a planned time that has come, the longest overdue first.

        Also paused ones: what is planned during a pause is written as skipped.
        """
        return self.filter(next_fire_at__lte=now).order_by("next_fire_at")

    def present(self) -> ScheduleQuerySet:
        """Those that are not deleted."""
        return self.filter(deleted_at__isnull=True)


class Schedule(models.Model):
    """One time rule. `planned_until` is the watermark: every planned time up to it has its occurrence row.

    Fire times are computed from the watermark, never from the clock. Changing the rule and resuming move the watermark to
    `replanned_at`, so neither fires anything of the past; what had passed unhandled by then is kept in `unwritten` until
    the dispatcher has written its rows. `next_fire_at` is the next moment at which the dispatcher has something to do
    for it: the next planned time and the schedule's offset. A deleted schedule stays as the owner of its occurrences.
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
    once_at = models.DateTimeField(null=True, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    gap = models.CharField(
        max_length=10, choices=[(choice.value, choice.value) for choice in Gap], default=Gap.AS_CRON.value
    )
    repeated = models.CharField(
        max_length=10,
        choices=[(choice.value, choice.value) for choice in Repeated],
        default=Repeated.AS_CRON.value,
    )
    spread_seconds = models.PositiveIntegerField(
        default=0, help_text="Window over which it is spread; 0: it fires exactly when planned."
    )
    misfire = models.CharField(max_length=10, choices=Misfire.choices, default=Misfire.LATEST)
    misfire_grace_seconds = models.PositiveIntegerField(
        default=DEFAULT_GRACE_SECONDS, help_text="A time fired no later than this is just late."
    )
    misfire_limit = models.PositiveIntegerField(
        default=DEFAULT_MISFIRE_LIMIT, help_text="How many at most, where all are fired."
    )
    overlap = models.CharField(max_length=20, choices=Overlap.choices, default=Overlap.ALLOW)
    pause_after_failures = models.PositiveIntegerField(
        default=0, help_text="Pause after so many failures in a row; 0: never."
    )
    priority = models.SmallIntegerField(default=0, help_text="Of its runs; higher goes first.")
    planned_until = models.DateTimeField()
    replanned_at = models.DateTimeField(help_text="Nothing planned before this moment fires any more.")
    unwritten = models.JSONField(default=list, blank=True)
    next_fire_at = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    pause_reason = models.CharField(max_length=500, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    deleted_by = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ScheduleQuerySet.as_manager()

    class Meta:
        ordering = ("name", "id")
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(kind=ScheduleKind.CRON)
                    & ~Q(cron="")
                    & Q(every_seconds__isnull=True)
                    & Q(once_at__isnull=True)
                )
                | (
                    Q(kind=ScheduleKind.INTERVAL)
                    & Q(cron="")
                    & Q(every_seconds__gte=1)
                    & Q(anchor_at__isnull=False)
                    & Q(once_at__isnull=True)
                )
                | (
                    Q(kind=ScheduleKind.ONCE)
                    & Q(cron="")
                    & Q(every_seconds__isnull=True)
                    & Q(once_at__isnull=False)
                ),
                name="schedule_has_the_rule_of_its_kind",
            ),
            models.CheckConstraint(
                condition=Q(next_fire_at__isnull=True) | Q(next_fire_at__gt=F("planned_until")),
                name="schedule_next_fire_after_watermark",
            ),
        ]
        indexes = [
            # Read by each tick of each dispatcher: only schedules that still plan something.
            models.Index(
                fields=("next_fire_at",), name="schedule_ready", condition=Q(next_fire_at__isnull=False)
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
            once_at=self.once_at,
            time_zone=self.time_zone,
            gap=self.gap,
            repeated=self.repeated,
        )

    @property
    def offset(self) -> timedelta:
        """How much later than planned it fires, by its spread: always the same for the same schedule and window."""
        return offset(str(self.pk), self.spread_seconds)

    @property
    def grace(self) -> timedelta:
        """Up to how much lateness a time is just late."""
        return timedelta(seconds=self.misfire_grace_seconds)
