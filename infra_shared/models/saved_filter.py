"""Filters of the console's lists that operators keep under a name."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from infra_shared.clock import utc_now


class SavedFilter(models.Model):
    """One operator's own link to a filtered list.

    `page` is the name of the list's URL, such as "runs_run_changelist"; `query` what follows its question mark. A
    saved filter is shown to nobody else: its name may speak of customers whom others must not know of.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_filters"
    )
    page = models.CharField(max_length=100)
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=2000)
    created_at = models.DateTimeField(default=utc_now)

    class Meta:
        ordering = ("name",)
        constraints = [
            models.UniqueConstraint(fields=("owner", "page", "name"), name="saved_filter_once"),
        ]

    def __str__(self) -> str:
        return self.name
