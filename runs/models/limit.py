"""What operators say about how much may happen at once."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from infra_shared.clock import utc_now


class Limit(models.Model):
    """How many attempts that count against `key` may be under way at once, and how often one may begin.

    It goes before what automations declare. `key` is written as `runs.limit_keys` says.
    """

    key = models.CharField(max_length=255, unique=True)
    most = models.PositiveIntegerField(null=True, blank=True, help_text="At once; None leaves it open.")
    starts_per_minute = models.PositiveIntegerField(
        null=True, blank=True, help_text="For a site: how many attempts may begin in a minute, evenly spaced."
    )
    set_by = models.CharField(max_length=200)
    set_at = models.DateTimeField(default=utc_now)

    class Meta:
        ordering = ("key",)
        constraints = [
            models.CheckConstraint(
                condition=(Q(most__isnull=False) | Q(starts_per_minute__isnull=False))
                & (Q(most__isnull=True) | Q(most__gte=1))
                & (Q(starts_per_minute__isnull=True) | Q(starts_per_minute__gte=1)),
                name="limit_says_something",
            )
        ]

    def __str__(self) -> str:
        return self.key
