"""What operators say about keeping, and what is kept: rules, quotas, and the stored bytes of each day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from automations.models import Customer
from infra_shared.clock import utc_now
from infra_shared.models import ALL
from runs.retention_policy import KINDS, LEAST_RUN_DAYS, RUN, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable


class RetentionRule(models.Model):
    """How many days one kind of file, or the whole run (`run`), is kept after a run that ended so.

    It goes before the default of `runs.retention_policy`; one of a customer before that for all.
    """

    kind = models.CharField(max_length=20, choices=[(kind, kind) for kind in KINDS])
    outcome = models.CharField(max_length=10, choices=[(item.value, item.value) for item in Outcome])
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    keep_days = models.PositiveIntegerField(
        null=True, blank=True, help_text="Empty: a file as long as its run, a run for ever."
    )
    set_by = models.CharField(max_length=200)
    set_at = models.DateTimeField(default=utc_now)

    class Meta:
        ordering = ("kind", "outcome", "customer")
        constraints = [
            # Two, because NULLs differ from each other in a unique key.
            models.UniqueConstraint(
                fields=("kind", "outcome", "customer"),
                name="retention_rule_once",
                condition=Q(customer__isnull=False),
            ),
            models.UniqueConstraint(
                fields=("kind", "outcome"),
                name="retention_rule_for_all_once",
                condition=Q(customer__isnull=True),
            ),
            models.CheckConstraint(
                condition=~Q(kind=RUN) | Q(keep_days__isnull=True) | Q(keep_days__gte=LEAST_RUN_DAYS),
                name="retention_rule_of_runs_is_a_week",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.outcome} runs"


class StorageQuota(models.Model):
    """How many stored bytes a customer may have before the oldest evidence goes early."""

    customer = models.OneToOneField(Customer, on_delete=models.CASCADE, related_name="+")
    most_bytes = models.PositiveBigIntegerField()
    set_by = models.CharField(max_length=200)
    set_at = models.DateTimeField(default=utc_now)

    class Meta:
        ordering = ("customer__key",)
        constraints = [models.CheckConstraint(condition=Q(most_bytes__gte=1), name="storage_quota_positive")]

    def __str__(self) -> str:
        return f"quota of {self.customer}"


class StorageDayQuerySet(models.QuerySet["StorageDay"]):
    """Questions about stored bytes."""

    def for_customers(self, customers: Iterable[str]) -> StorageDayQuerySet:
        """Those of a list of customer keys; "*" means all."""
        keys = list(customers)
        return self if ALL in keys else self.filter(customer__key__in=keys)


class StorageDay(models.Model):
    """What a customer's runs stored on a day (UTC), and what the customer had in all when it was last counted that day.

    `kept_bytes` and `kept_files` are of the files made that day that are still there: their sum over all days is what
    the customer has now. A content that several files share is counted for each of them.
    """

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    kept_bytes = models.PositiveBigIntegerField(default=0)
    kept_files = models.PositiveBigIntegerField(default=0)
    total_bytes = models.PositiveBigIntegerField(null=True, blank=True)

    objects = StorageDayQuerySet.as_manager()

    class Meta:
        ordering = ("day", "customer")
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=("customer", "day"), name="storage_day_once")]

    def __str__(self) -> str:
        return f"{self.customer} {self.day}"
