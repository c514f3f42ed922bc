"""One planned fire time of a schedule and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from automations.models import Schedule
from runs.models.run import Run

if TYPE_CHECKING:
    from datetime import timedelta


class OccurrenceState(models.TextChoices):
    """What became of a planned time."""

    FIRED = "fired", "Fired"
    COALESCED = "coalesced", "Coalesced into a later one"
    SKIPPED = "skipped", "Skipped"
    MISSED = "missed", "Missed"
    REFUSED = "refused", "Refused"


class Occurrence(models.Model):
    """One row for each planned time that has passed; written together with the run it fired."""

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="occurrences")
    fire_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=OccurrenceState.choices)
    reason = models.CharField(max_length=500, blank=True)
    run = models.OneToOneField(
        Run, on_delete=models.SET_NULL, null=True, blank=True, related_name="occurrence"
    )
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("-fire_at",)
        constraints = [
            models.UniqueConstraint(fields=("schedule", "fire_at"), name="occurrence_once"),
            models.CheckConstraint(
                condition=Q(state=OccurrenceState.FIRED) | Q(run__isnull=True),
                name="occurrence_run_only_when_fired",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.schedule} at {self.fire_at:%Y-%m-%d %H:%M:%S}"

    @property
    def lateness(self) -> timedelta:
        """How long after the planned time it was handled."""
        return self.created_at - self.fire_at
