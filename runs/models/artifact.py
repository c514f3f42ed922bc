"""A file an attempt used or left."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from infra_shared.clock import utc_now
from infra_shared.ids import uuid7
from infra_shared.models import Blob, Spool
from runs.models.attempt import Attempt, Step
from runs.models.run import Run
from webgraph.recorder import ArtifactKind


class ArtifactQuerySet(models.QuerySet["Artifact"]):
    """Questions about artifacts."""

    def stored(self) -> ArtifactQuerySet:
        """Those whose bytes can be read."""
        return self.filter(blob__isnull=False)

    def waiting(self) -> ArtifactQuerySet:
        """Those whose bytes lie in a node's spool until the store takes them."""
        return self.filter(spool__isnull=False)


class Artifact(models.Model):
    """One kept file, or the record that it is missing: `blob` is None exactly when `missing_reason` says why.

    A quarantined file is missing to everybody who reads: what was found in it is said, and its bytes lie encrypted in
    `sealed_blob` (see `infra_shared.sealing`) until retention takes them.

    One with a `spool` waits there for the store, and is missing until it was delivered.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="artifacts")
    attempt = models.ForeignKey(
        Attempt, on_delete=models.CASCADE, null=True, blank=True, related_name="artifacts"
    )
    step = models.ForeignKey(Step, on_delete=models.CASCADE, null=True, blank=True, related_name="artifacts")
    stage = models.CharField(max_length=100, blank=True)
    kind = models.CharField(max_length=20, choices=[(kind.value, kind.value) for kind in ArtifactKind])
    name = models.CharField(max_length=255)
    content_type = models.CharField(max_length=100)
    size_bytes = models.PositiveBigIntegerField(default=0)
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    missing_reason = models.CharField(max_length=500, blank=True)
    quarantined_at = models.DateTimeField(null=True, blank=True)
    quarantine_reason = models.CharField(max_length=500, blank=True)
    sealed_blob = models.ForeignKey(Blob, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    spool = models.ForeignKey(Spool, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    meta = models.JSONField(default=dict)
    captured_at = models.DateTimeField()
    created_at = models.DateTimeField(default=utc_now)

    objects = ArtifactQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        constraints = [
            models.CheckConstraint(
                condition=(Q(blob__isnull=False) & Q(missing_reason=""))
                | (Q(blob__isnull=True) & ~Q(missing_reason="")),
                name="artifact_stored_or_missing",
            ),
            models.CheckConstraint(
                condition=Q(quarantined_at__isnull=True, quarantine_reason="", sealed_blob__isnull=True)
                | (Q(quarantined_at__isnull=False, blob__isnull=True) & ~Q(quarantine_reason="")),
                name="artifact_quarantined_or_not",
            ),
            models.CheckConstraint(
                condition=Q(spool__isnull=True) | Q(blob__isnull=True, sealed_blob__isnull=True),
                name="artifact_waits_or_is_stored",
            ),
        ]
        indexes = [
            models.Index(fields=("run", "kind"), name="artifact_by_run"),
            # The oldest of a kind, which retention looks at; the ids are in the order of time.
            models.Index(fields=("kind", "id"), name="artifact_by_kind"),
            models.Index(
                fields=("id",), name="artifact_quarantined", condition=Q(quarantined_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_quarantined(self) -> bool:
        """Whether its bytes were set aside because they hold a secret, or may."""
        return self.quarantined_at is not None

    @property
    def is_waiting(self) -> bool:
        """Whether its bytes wait on a node for the store."""
        return self.spool_id is not None
