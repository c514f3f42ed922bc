"""One planned time of a schedule and what became of it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from automations.models import Schedule
from runs.models.run import Run

if TYPE_CHECKING:
    from datetime import datetime


class OccurrenceState(models.TextChoices):
    """What became of a planned time."""

    WAITING = "waiting", "Waits for the run before it"
    FIRED = "fired", "Fired"
    COALESCED = "coalesced", "Coalesced into a later one"
    SKIPPED = "skipped", "Skipped"
    MISSED = "missed", "Missed"
    REFUSED = "refused", "Refused"


class OccurrenceQuerySet(models.QuerySet["Occurrence"]):
    """Questions about occurrences."""

    def waiting(self) -> OccurrenceQuerySet:
        """Those that wait for an earlier run, or for their turn in a backfill; the earliest planned first."""
        return self.filter(state=OccurrenceState.WAITING).order_by("fire_at")

    def fired(self) -> OccurrenceQuerySet:
        """Those that have a run, the latest planned first."""
        return self.filter(state=OccurrenceState.FIRED, run__isnull=False).order_by("-fire_at")


class Occurrence(models.Model):
    """One row for each planned time that has passed; one that fired is written together with its run.

    `fire_at` is the time as planned, `offset_seconds` how much later it was to fire because the schedule is spread.
    `handled_at` is when it became what it is. `backfill` says that an operator asked for it afterwards.
    """

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="occurrences")
    fire_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=OccurrenceState.choices)
    reason = models.CharField(max_length=500, blank=True)
    run = models.OneToOneField(
        Run, on_delete=models.SET_NULL, null=True, blank=True, related_name="occurrence"
    )
    handled_at = models.DateTimeField()
    offset_seconds = models.PositiveIntegerField(default=0)
    backfill = models.BooleanField(default=False)

    objects = OccurrenceQuerySet.as_manager()

    class Meta:
        ordering = ("-fire_at",)
        constraints = [
            models.UniqueConstraint(fields=("schedule", "fire_at"), name="occurrence_once"),
            models.CheckConstraint(
                condition=Q(state=OccurrenceState.FIRED) | Q(run__isnull=True),
                name="occurrence_run_only_when_fired",
            ),
        ]
        indexes = [
            # Read by each tick: the few that wait for an earlier run.
            models.Index(
                fields=("schedule", "fire_at"),
                name="occurrence_waiting",
                condition=Q(state=OccurrenceState.WAITING),
            ),
            # Looked through each minute: what was handled lately, and how late.
            models.Index(fields=("handled_at",), name="occurrence_handled"),
        ]

    def __str__(self) -> str:
        return f"{self.schedule} at {self.fire_at:%Y-%m-%d %H:%M:%S}"

    @property
    def due_at(self) -> datetime:
        """When it was to fire: as planned, and later by the schedule's offset."""
        return self.fire_at + timedelta(seconds=self.offset_seconds)

    @property
    def lateness(self) -> timedelta:
        """How long after it was due it was handled."""
        return self.handled_at - self.due_at
