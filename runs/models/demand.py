"""What a run counts against beside its automation and its customer."""

from __future__ import annotations

from django.db import models

from runs.models.run import Run


class Demand(models.Model):
    """One site or named key of a run, computed from its params when it was requested.

    `most` is the limit its automation declares, None where it declares none; an operator's Limit goes before it.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="demands", db_index=False)
    key = models.CharField(max_length=255)
    most = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ("run", "key")
        # Read from the run's side alone, so that the unique key is the only index it needs.
        constraints = [models.UniqueConstraint(fields=("run", "key"), name="demand_once")]

    def __str__(self) -> str:
        return self.key
