"""What is learned from runs that succeeded: how targets look, and how those that moved could be written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from automations.models.automation import Automation, AutomationKind, AutomationVersion
from webgraph.recorder import Tier

if TYPE_CHECKING:
    from collections.abc import Iterable


class TargetFingerprint(models.Model):
    """How one target looked in all successes so far (`webgraph.fingerprint`); never learned from a failure.

    `picture` is the artifact that shows it in its last success, `sight["box"]` where; a purge may have taken it since.
    """

    automation = models.ForeignKey(Automation, on_delete=models.CASCADE, related_name="fingerprints")
    key = models.CharField(max_length=255, unique=True)
    sight = models.JSONField()
    picture = models.UUIDField(null=True, blank=True)
    last_run = models.UUIDField(null=True, blank=True)
    learned_at = models.DateTimeField()

    class Meta:
        # Read whole for each attempt; the oldest are forgotten first.
        indexes = [models.Index(fields=("automation", "learned_at"), name="fingerprint_by_automation")]

    def __str__(self) -> str:
        return self.key


class HealState(models.TextChoices):
    """What became of a proposal."""

    OPEN = "open", "Open"
    ADOPTED = "adopted", "Adopted"
    REFUSED = "refused", "Refused"
    SUPERSEDED = "superseded", "Superseded"
    """Another proposal for the same target was adopted."""


class HealProposalQuerySet(models.QuerySet["HealProposal"]):
    """Questions about proposals."""

    def open(self) -> HealProposalQuerySet:
        """Those nobody has decided yet."""
        return self.filter(state=HealState.OPEN)

    def overrides(self) -> HealProposalQuerySet:
        """Those that are applied while a run is made, because the automation's source is code."""
        return self.filter(state=HealState.ADOPTED, automation__kind=AutomationKind.PYTHON)

    def of_target(self, keys: Iterable[str]) -> HealProposalQuerySet:
        """Those for any of these targets."""
        return self.filter(target_key__in=list(keys))


class HealProposal(models.Model):
    """One way in which a target could be written anew, because runs found it so and succeeded.

    Runs and pictures are opaque references; they may be gone. `agreed` counts the runs in which this selector was
    proposed, `disagreed` those in which another one was. `seen` is the fingerprint of the element as last found, whose
    `box` says where `after_picture` shows it; `before_box` is its place in `before_picture`, of an earlier success.
    """

    automation = models.ForeignKey(Automation, on_delete=models.CASCADE, related_name="heals")
    version = models.ForeignKey(AutomationVersion, on_delete=models.PROTECT, related_name="+")
    stage = models.CharField(max_length=100)
    target_key = models.CharField(max_length=255)
    digest = models.CharField(max_length=64)
    description = models.TextField()
    old_target = models.JSONField()
    new_target = models.JSONField()
    seen = models.JSONField()
    tier = models.CharField(max_length=10, choices=[(tier.value, tier.value) for tier in Tier])
    state = models.CharField(max_length=10, choices=HealState.choices, default=HealState.OPEN)
    agreed = models.PositiveIntegerField(default=1)
    disagreed = models.PositiveIntegerField(default=0)
    first_run = models.UUIDField()
    last_run = models.UUIDField()
    before_picture = models.UUIDField(null=True, blank=True)
    before_box = models.JSONField(null=True, blank=True)
    after_picture = models.UUIDField(null=True, blank=True)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=200, blank=True)
    reason = models.TextField(blank=True)
    adopted_version = models.ForeignKey(
        AutomationVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = HealProposalQuerySet.as_manager()

    class Meta:
        ordering = ("-last_seen_at", "-id")
        verbose_name = "heal proposal"
        permissions = [("adopt_healproposal", "Can adopt and refuse heal proposals")]
        constraints = [
            models.UniqueConstraint(
                fields=("automation", "target_key", "digest"), name="heal_once_for_target_and_selector"
            ),
            models.UniqueConstraint(
                fields=("automation", "target_key"),
                name="heal_adopted_once_for_target",
                condition=Q(state=HealState.ADOPTED),
            ),
            models.CheckConstraint(
                condition=Q(state=HealState.OPEN, decided_at__isnull=True)
                | (~Q(state=HealState.OPEN) & Q(decided_at__isnull=False)),
                name="heal_decided_exactly_when_not_open",
            ),
            models.CheckConstraint(
                condition=~Q(state=HealState.ADOPTED) | Q(adopted_version__isnull=False),
                name="heal_adopted_into_a_version",
            ),
        ]
        indexes = [
            # The console's list, open ones first, and the count beside its line in the menu.
            models.Index(fields=("state", "-last_seen_at"), name="heal_by_state")
        ]

    def __str__(self) -> str:
        return self.description
