"""The bytes of artifacts, each content once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from infra_shared.blobs.protocol import BlobEncoding

if TYPE_CHECKING:
    from datetime import datetime


class BlobQuerySet(models.QuerySet["Blob"]):
    """Questions about blobs."""

    def last_put_before(self, moment: datetime) -> BlobQuerySet:
        """Those nobody stored again since: the only ones a sweeper may take when no row refers to them."""
        return self.filter(last_put_at__lt=moment)


class BlobFinding(models.TextChoices):
    """What a check of the store found to be wrong with a blob."""

    MISSING = "missing", "missing from the store"
    DAMAGED = "damaged", "damaged in the store"


class Blob(models.Model):
    """One content in the blob store, named by the SHA-256 of its plain bytes."""

    digest = models.CharField(primary_key=True, max_length=64, editable=False)
    size_bytes = models.PositiveBigIntegerField(help_text="Length of the plain bytes.")
    stored_bytes = models.PositiveBigIntegerField(help_text="Length as stored.")
    encoding = models.CharField(
        max_length=8, blank=True, choices=[(item.value, item.name.lower()) for item in BlobEncoding]
    )
    created_at = models.DateTimeField(auto_now_add=True)
    last_put_at = models.DateTimeField(auto_now=True, db_index=True)
    checked_at = models.DateTimeField(
        null=True, blank=True, help_text="When its bytes were last read whole and compared with the digest."
    )
    finding = models.CharField(max_length=8, blank=True, choices=BlobFinding.choices)

    objects = BlobQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(encoding__in=[item.value for item in BlobEncoding]),
                name="blob_encoding_known",
            ),
            models.CheckConstraint(
                condition=Q(finding="") | Q(finding__in=BlobFinding.values, checked_at__isnull=False),
                name="blob_finding_has_a_check",
            ),
        ]
        indexes = [
            # What a check takes next: the longest ago; those never looked at are asked for by themselves.
            # No `nulls_first` in it: SQLite refuses that in an index.
            models.Index(fields=("checked_at", "digest"), name="blob_by_check"),
            models.Index(fields=("digest",), name="blob_found_bad", condition=~Q(finding="")),
        ]

    def __str__(self) -> str:
        return self.digest
