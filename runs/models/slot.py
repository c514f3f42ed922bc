"""A held unit of a concurrency limit."""

from __future__ import annotations

from django.db import models

from runs.models.attempt import Attempt


class Slot(models.Model):
    """One held unit of the limit named `key`. A slot is a row, never a counter, because counters leak."""

    key = models.CharField(max_length=255)
    n = models.PositiveIntegerField()
    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="slots")
    acquired_at = models.DateTimeField()
    most = models.PositiveIntegerField(help_text="The limit it was taken under.")

    class Meta:
        ordering = ("key", "n")
        constraints = [models.UniqueConstraint(fields=("key", "n"), name="slot_held_once")]

    def __str__(self) -> str:
        return f"{self.key} #{self.n}"
