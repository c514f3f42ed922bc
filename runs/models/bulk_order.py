"""One order about many runs, and what became of each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from infra_shared.clock import utc_now
from infra_shared.ids import uuid7
from infra_shared.models import Caller
from runs.models.run import Run

if TYPE_CHECKING:
    from datetime import datetime


class BulkKind(models.TextChoices):
    """What is done with each run."""

    CANCEL = "cancel", "Cancel"
    RERUN = "rerun", "Rerun"


class BulkOutcome(models.TextChoices):
    """What became of one run of an order."""

    DONE = "done", "Done"
    SKIPPED = "skipped", "Skipped"
    FAILED = "failed", "Failed"


class BulkOrderQuerySet(models.QuerySet["BulkOrder"]):
    """Questions about bulk orders."""

    def unfinished(self) -> BulkOrderQuerySet:
        """Those with runs left to do, the oldest first."""
        return self.filter(finished_at__isnull=True).order_by("pk")

    def left_alone(self, now: datetime) -> BulkOrderQuerySet:
        """Unfinished ones that nobody works on."""
        return self.unfinished().filter(Q(worked_until__isnull=True) | Q(worked_until__lt=now))


class BulkOrder(models.Model):
    """An order to cancel or rerun every run that a filter names.

    It is about the runs there were when it was given: those with an id up to `newest`. It goes through them from there
    towards older ones; `reached` is the last one it has done with. The counts are those of its items.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=10, choices=BulkKind.choices)
    filter = models.JSONField(default=dict, help_text="Which runs: `runs.services.run_filter.RunFilter`.")
    customers = models.JSONField(default=list, help_text="Whose runs whoever gave it reaches; * is all.")
    reason = models.CharField(max_length=500, blank=True)
    requested_by = models.CharField(max_length=200)
    caller = models.ForeignKey(Caller, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - NULLs are distinct in the unique key
    total = models.PositiveIntegerField(help_text="How many runs it was about when it was given.")
    done = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    newest = models.UUIDField()
    reached = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(default=utc_now)
    worked_until = models.DateTimeField(
        null=True, blank=True, help_text="Until when one process has it for itself."
    )
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = BulkOrderQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(
                fields=("caller", "idempotency_key"),
                name="bulk_order_idempotency_once",
                condition=Q(idempotency_key__isnull=False),
            )
        ]
        indexes = [
            models.Index(fields=("id",), name="bulk_order_unfinished", condition=Q(finished_at__isnull=True))
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.total} runs"

    @property
    def handled(self) -> int:
        """How many runs it has done with."""
        return self.done + self.skipped + self.failed


class BulkItem(models.Model):
    """What became of one run of an order. Its key makes an order touch a run once."""

    order = models.ForeignKey(BulkOrder, on_delete=models.CASCADE, related_name="items")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="+")
    outcome = models.CharField(max_length=10, choices=BulkOutcome.choices)
    reason = models.CharField(max_length=500, blank=True, help_text="Why it was skipped or failed.")
    new_run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ("pk",)
        constraints = [models.UniqueConstraint(fields=("order", "run"), name="bulk_item_once")]
        indexes = [models.Index(fields=("order", "outcome"), name="bulk_item_by_outcome")]

    def __str__(self) -> str:
        return f"{self.run_id} {self.outcome}"
