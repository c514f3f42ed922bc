"""The pause switch."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from infra_shared.clock import utc_now

EVERYTHING = "everything"


class Pause(models.Model):
    """Attempts of `scope` do not begin as long as this row is there: EVERYTHING, or a key of `runs.limit_keys`."""

    scope = models.CharField(max_length=255, unique=True)
    reason = models.CharField(max_length=500)
    paused_by = models.CharField(max_length=200, help_text="Actor, such as operator:anna.")
    paused_at = models.DateTimeField(default=utc_now)

    class Meta:
        ordering = ("paused_at",)
        constraints = [
            models.CheckConstraint(condition=~Q(scope="") & ~Q(reason=""), name="pause_says_what_and_why")
        ]

    def __str__(self) -> str:
        return self.scope
