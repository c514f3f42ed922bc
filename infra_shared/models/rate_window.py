"""Counters of the rate limits."""

from __future__ import annotations

from django.db import models


class RateWindow(models.Model):
    """How often something happened in one window of time."""

    key = models.CharField(max_length=200)
    window_start = models.DateTimeField(db_index=True)
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("key", "window_start"), name="rate_window_once"),
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.count}"
