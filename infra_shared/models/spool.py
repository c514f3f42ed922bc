"""Where bytes wait for the store of artifacts while it is away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from datetime import datetime


class SpoolQuerySet(models.QuerySet["Spool"]):
    """Questions about spools."""

    def filled(self) -> SpoolQuerySet:
        """Those in which something waits."""
        return self.filter(files__gt=0)

    def silent_since(self, moment: datetime) -> SpoolQuerySet:
        """Those nobody looked after since then."""
        return self.filter(seen_at__lt=moment)


class Spool(models.Model):
    """The spool folder of one node, as its keeper last saw it; the id lies in the folder and outlives the node."""

    id = models.UUIDField(primary_key=True, editable=False)
    node_name = models.CharField(max_length=200)
    files = models.PositiveIntegerField(default=0)
    waiting_bytes = models.PositiveBigIntegerField(default=0)
    oldest_at = models.DateTimeField(null=True, blank=True, help_text="Since when its oldest file waits.")
    problem = models.CharField(
        max_length=500, blank=True, help_text="Why the store did not take the last one."
    )
    sealed_by = models.JSONField(
        default=dict,
        blank=True,
        help_text="How many sealed files wait in it, by the fingerprint of the key they are under.",
    )
    seen_at = models.DateTimeField()

    objects = SpoolQuerySet.as_manager()

    class Meta:
        ordering = ("node_name", "id")
        constraints = [
            models.CheckConstraint(
                condition=Q(files=0, oldest_at__isnull=True) | Q(files__gt=0, oldest_at__isnull=False),
                name="spool_filled_since",
            )
        ]

    def __str__(self) -> str:
        return self.node_name
