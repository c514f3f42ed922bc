"""A file somebody sent, to be named by the params of runs and schedules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from automations.models.customer import Customer
from infra_shared.clock import utc_now
from infra_shared.ids import uuid7
from infra_shared.models import Blob, Caller

if TYPE_CHECKING:
    from datetime import datetime


class UploadedFileQuerySet(models.QuerySet["UploadedFile"]):
    """Questions about uploaded files."""

    def not_wanted_since(self, moment: datetime) -> UploadedFileQuerySet:
        """Those that were neither sent nor named by a run's request since then."""
        return self.filter(wanted_at__lt=moment)


class UploadedFile(models.Model):
    """One file of one customer. Runs that name it keep it as an artifact of their own; this row may go before them.

    `name` is made safe, `content_type` is what the sender said; nothing relies on it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=255)
    content_type = models.CharField(max_length=100)
    size_bytes = models.PositiveBigIntegerField()
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")
    sent_by = models.CharField(max_length=200, help_text="Actor, such as operator:anna or caller:ci.")
    caller = models.ForeignKey(Caller, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - NULLs are distinct in the unique key
    created_at = models.DateTimeField(default=utc_now)
    wanted_at = models.DateTimeField(
        default=utc_now, db_index=True, help_text="When a request last named it, or when it was sent."
    )

    objects = UploadedFileQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        # No screen of its own: who may ask for runs or change schedules may send files for them.
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=("caller", "idempotency_key"),
                name="uploaded_file_idempotency_once",
                condition=Q(idempotency_key__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name
