"""What counts once: a commit that began, and what became of it."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q

from automations.models import Automation, Customer
from infra_shared.crypto import EncryptedJSONField, Sealed
from runs.models.attempt import Attempt
from runs.models.run import Run


class CommitOutcome(models.TextChoices):
    """What is known of a commit that began."""

    UNDECIDED = "undecided", "Not known"
    HAPPENED = "happened", "Happened"
    DID_NOT_HAPPEN = "did_not_happen", "Did not happen"


class CommitGuardQuerySet(models.QuerySet["CommitGuard"]):
    """Questions about commits."""

    def standing(self) -> CommitGuardQuerySet:
        """Those whose key is taken: they happened, or nobody knows."""
        return self.exclude(outcome=CommitOutcome.DID_NOT_HAPPEN)

    def undecided(self) -> CommitGuardQuerySet:
        """Those of which nobody knows what became."""
        return self.filter(outcome=CommitOutcome.UNDECIDED)


class CommitGuard(models.Model):
    """One commit, written before its stage acts. Its row outlives the run: what happened must not happen again.

    `effect_key` is what the automation names; a commit without a name has a key of its run's own. `after` is what it
    left behind, where that is known: the automation's state, what the stage returned, and the page it ended at.
    """

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    automation = models.ForeignKey(Automation, on_delete=models.PROTECT, related_name="+")
    stage = models.CharField(max_length=100)
    effect_key = models.CharField(max_length=200)
    run = models.ForeignKey(
        Run, on_delete=models.SET_NULL, null=True, blank=True, related_name="commit_guards"
    )
    removed_run = models.CharField(
        max_length=36, blank=True, help_text="The id of the run it began in, once that run was removed."
    )
    attempt = models.ForeignKey(
        Attempt, on_delete=models.SET_NULL, null=True, blank=True, related_name="commit_guards"
    )
    outcome = models.CharField(max_length=14, choices=CommitOutcome.choices, default=CommitOutcome.UNDECIDED)
    began_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=200, blank=True)
    note = models.CharField(max_length=500, blank=True)
    after: models.Field[Any, Sealed | None] = EncryptedJSONField(  # type: ignore[misc]  # its own type is that of a filled column
        null=True, blank=True
    )

    objects = CommitGuardQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        constraints = [
            # A key is free again only when it is known that nothing happened.
            models.UniqueConstraint(
                fields=("customer", "automation", "stage", "effect_key"),
                name="commit_once",
                condition=Q(outcome__in=(CommitOutcome.UNDECIDED, CommitOutcome.HAPPENED)),
            ),
            models.CheckConstraint(
                condition=Q(outcome=CommitOutcome.UNDECIDED, decided_at__isnull=True)
                | (~Q(outcome=CommitOutcome.UNDECIDED) & Q(decided_at__isnull=False)),
                name="commit_decided_has_moment",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stage} {self.get_outcome_display().lower()}"

    @property
    def where(self) -> str:
        """In which run it began, in words."""
        if self.run_id:
            return f"run {str(self.run_id)[-8:]}"
        return (
            f"run {self.removed_run[-8:]}, which is no longer kept"
            if self.removed_run
            else "a run that is no longer kept"
        )
