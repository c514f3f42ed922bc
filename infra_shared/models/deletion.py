"""The ledger of what was removed because it was old, or because there was too much of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from infra_shared.models.caller import ALL

if TYPE_CHECKING:
    from collections.abc import Iterable


class DeletionQuerySet(models.QuerySet["Deletion"]):
    """Questions about deletions."""

    def for_customers(self, customers: Iterable[str]) -> DeletionQuerySet:
        """Those of a list of customer keys; "*" means all, and what belonged to nobody too."""
        keys = list(customers)
        return self if ALL in keys else self.filter(customer__in=keys)


class Deletion(models.Model):
    """What one batch removed for one customer by one rule, written in the transaction that removed it.

    The bytes of files are those stored; they are free when the sweep of the store has found that nothing refers to
    them any more, which is a line of its own.
    """

    at = models.DateTimeField(db_index=True)
    what = models.CharField(max_length=40, help_text="Such as artifact, run, event or stored bytes.")
    rule = models.CharField(max_length=100)
    customer = models.CharField(max_length=100, blank=True, help_text="Its key; empty: nobody's.")
    rows = models.PositiveBigIntegerField()
    size_bytes = models.PositiveBigIntegerField(default=0)
    actor = models.CharField(max_length=200, help_text="system, command or operator:anna.")

    objects = DeletionQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=("what", "-id"), name="deletion_by_what"),
            models.Index(fields=("customer", "-id"), name="deletion_by_customer"),
        ]

    def __str__(self) -> str:
        return f"{self.rows} {self.what}"
