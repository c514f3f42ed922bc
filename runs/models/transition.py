"""The log of every move of a run and its attempts."""

from __future__ import annotations

from django.db import models

from runs.models.attempt import Attempt
from runs.models.run import Run


class Transition(models.Model):
    """One move. `attempt` is None for a move of the run itself."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="transitions")
    attempt = models.ForeignKey(
        Attempt, on_delete=models.CASCADE, null=True, blank=True, related_name="transitions"
    )
    from_state = models.CharField(max_length=14, blank=True)
    to_state = models.CharField(max_length=14)
    actor = models.CharField(max_length=200)
    reason = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.from_state or 'new'} → {self.to_state}"
