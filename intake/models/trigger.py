"""Rules that turn events into runs, and what each made of an event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from automations.models import Automation, AutomationVersion
from infra_shared.clock import utc_now
from infra_shared.ids import uuid7
from infra_shared.models import ALL
from intake.models.event import Event
from intake.models.source import Source
from intake.states import MatchState
from runs.models import Run

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_EXPRESSION_LENGTH = 2000


class TriggerQuerySet(models.QuerySet["Trigger"]):
    """Questions about triggers."""

    def present(self) -> TriggerQuerySet:
        """Those that are not deleted."""
        return self.filter(deleted_at__isnull=True)

    def active(self) -> TriggerQuerySet:
        """Those that events are held against, the oldest first."""
        return self.present().filter(is_enabled=True).order_by("pk")

    def for_customers(self, customers: Iterable[str]) -> TriggerQuerySet:
        """Those of a list of customer keys; "*" means all."""
        keys = list(customers)
        return self if ALL in keys else self.filter(source__customer__key__in=keys)


class Trigger(models.Model):
    """One event rule: events of a source, of a type, that pass a filter, start an automation with mapped params.

    Filter and mapping are JMESPath over the event's body. Runs happen on behalf of the source's customer. A deleted trigger
    stays as the owner of its matches.
    """

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="triggers")
    name = models.CharField(max_length=200)
    event_type = models.CharField(max_length=200, blank=True, help_text="Empty: events of any type.")
    filter = models.CharField(max_length=MAX_EXPRESSION_LENGTH, blank=True, help_text="Empty: all of them.")
    mapping = models.CharField(
        max_length=MAX_EXPRESSION_LENGTH,
        blank=True,
        help_text="An object: the params of the run. Empty: no params.",
    )
    dedupe_seconds = models.PositiveIntegerField(
        default=0, help_text="Within this time the same params start one run; 0: each event starts its own."
    )
    automation = models.ForeignKey(Automation, on_delete=models.PROTECT, related_name="+")
    pinned_version = models.ForeignKey(
        AutomationVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    is_enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=utc_now)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = TriggerQuerySet.as_manager()

    class Meta:
        ordering = ("name", "id")

    def __str__(self) -> str:
        return self.name


class Match(models.Model):
    """What one trigger made of one event, the first time (`replay` 0) or in a replay.

    `run` is the run it started, or the earlier one that covers it when it was deduplicated. `state` is written by
    `intake.lifecycle` alone.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="matches")
    trigger = models.ForeignKey(Trigger, on_delete=models.PROTECT, related_name="matches")
    replay = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=12, choices=MatchState.choices, default=MatchState.PENDING)
    reason = models.TextField(blank=True, help_text="Why no run was started, in the exact words.")
    params_digest = models.CharField(
        max_length=64,
        blank=True,
        help_text="SHA-256 of the mapped params; the params themselves are the run's.",
    )
    run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=utc_now)
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(fields=("event", "trigger", "replay"), name="match_once"),
        ]
        indexes = [
            models.Index(fields=("trigger", "-id"), name="match_by_trigger"),
            # The search for an earlier run with the same params.
            models.Index(fields=("trigger", "params_digest", "-decided_at"), name="match_by_params"),
        ]

    def __str__(self) -> str:
        return f"{self.trigger_id} of {self.event_id}"
