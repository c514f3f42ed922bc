"""One try at a run, its stages and its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import apps
from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from automations.models import AutomationVersion
from infra_shared.clock import utc_now
from runs.limit_keys import Kind, names_of, split
from runs.models.node import WorkerProcess
from runs.models.run import Run
from runs.states import TERMINAL_ATTEMPTS, AttemptState
from webgraph.errors import FailureKind
from webgraph.recorder import Effect, Tier
from webgraph.session import Provenance

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime, timedelta


class AttemptQuerySet(models.QuerySet["Attempt"]):
    """Questions about attempts."""

    def due(self, now: datetime, *, ticket_expired: datetime) -> AttemptQuerySet:
        """Queued ones whose time has come and that hold no ticket younger than `ticket_expired`, in order of turn."""
        waiting = self.filter(state=AttemptState.QUEUED, due_at__lte=now)
        without_ticket = Q(ticketed_at__isnull=True) | Q(ticketed_at__lt=ticket_expired)
        return waiting.filter(without_ticket).order_by("-priority", "due_at", "id")

    def ticketed(self, *, since: datetime) -> AttemptQuerySet:
        """Queued ones with a ticket that is still under way to a worker process."""
        return self.filter(state=AttemptState.QUEUED, ticketed_at__gte=since)

    def counting(self, keys: Collection[str]) -> AttemptQuerySet:
        """Those that count against any of these keys (`runs.limit_keys`)."""
        return self.filter(_counts(keys))

    def not_counting(self, keys: Collection[str], *, except_for: Q | None = None) -> AttemptQuerySet:
        """Those that count against none of these keys, and those that are excepted."""
        if not keys:
            return self
        free = ~_counts(keys)
        return self.filter(free | except_for if except_for is not None else free)

    def lease_expired(self, now: datetime) -> AttemptQuerySet:
        """Running ones that nobody works on.

        Their worker process has been silent for longer than its lease, is gone, or has dropped them.
        """
        silent = Q(worker__lease_expires_at__lt=now)
        dropped = Q(worker__isnull=True) | ~Q(worker__current_attempt=F("id"))
        return self.filter(silent | dropped, state=AttemptState.RUNNING)

    def signed_in(self, provenance: str) -> AttemptQuerySet:
        """Those that came to be signed in this way (`webgraph.session.Provenance`)."""
        # The second condition is the index's own: without it SQLite does not see that the index fits.
        return self.filter(session=provenance).exclude(session="")

    def past_deadline(self, moment: datetime) -> AttemptQuerySet:
        """Running ones whose deadline lies before `moment`."""
        return self.filter(state=AttemptState.RUNNING, deadline_at__lt=moment)


class Attempt(models.Model):
    """One try. The integer key is what a ticket carries.

    `fence` grows with each claim; every write of a worker carries the fence it was given and changes nothing when
    the row has moved on. `free` marks an attempt that does not count towards the maximum (parked, or lost with a
    shared browser).
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=10, choices=AttemptState.choices, default=AttemptState.QUEUED)
    free = models.BooleanField(default=False)
    queue = models.CharField(max_length=63, default="default")
    priority = models.SmallIntegerField(default=0)
    due_at = models.DateTimeField(help_text="Not to be started before this moment.")
    fence = models.PositiveBigIntegerField(default=0)
    worker = models.ForeignKey(
        WorkerProcess, on_delete=models.SET_NULL, null=True, blank=True, related_name="attempts"
    )
    worker_name = models.CharField(
        max_length=200, blank=True, help_text="Node and process, kept when both are gone."
    )
    executed_version = models.ForeignKey(
        AutomationVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    browser = models.JSONField(default=dict, help_text="Version and profile of the browser that was used.")

    resumed_from = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    resumed_after = models.CharField(
        max_length=100, blank=True, help_text="The finished stage of an earlier attempt it goes on after."
    )
    resume_refusal = models.CharField(
        max_length=500, blank=True, help_text="Why it started over instead of going on."
    )
    session = models.CharField(
        max_length=10,
        blank=True,
        choices=[(item.value, item.value) for item in Provenance],
        help_text="How it came to be signed in, where its automation shares a signed-in session.",
    )
    session_note = models.CharField(max_length=500, blank=True)
    waits_for = models.ForeignKey(
        "runs.CommitGuard",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="waiting_attempts",
        help_text="The commit of another run that it waits to hear about before it begins.",
    )

    created_at = models.DateTimeField(default=utc_now)
    ticketed_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    deadline_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    failure_kind = models.CharField(
        max_length=20, blank=True, choices=[(kind.value, kind.value) for kind in FailureKind]
    )
    failure_message = models.TextField(blank=True)
    failed_stage = models.CharField(max_length=100, blank=True)

    objects = AttemptQuerySet.as_manager()

    class Meta:
        ordering = ("run", "number")
        constraints = [
            models.UniqueConstraint(fields=("run", "number"), name="attempt_number_once"),
            # One run has at most one open attempt: the database says so, not a lock.
            models.UniqueConstraint(
                fields=("run",),
                name="attempt_open_once",
                condition=Q(state__in=(AttemptState.QUEUED, AttemptState.RUNNING)),
            ),
            models.CheckConstraint(
                condition=~Q(state=AttemptState.RUNNING)
                | Q(started_at__isnull=False, deadline_at__isnull=False, fence__gt=0),
                name="attempt_running_is_claimed",
            ),
            models.CheckConstraint(
                condition=Q(state__in=sorted(TERMINAL_ATTEMPTS), finished_at__isnull=False)
                | (~Q(state__in=sorted(TERMINAL_ATTEMPTS)) & Q(finished_at__isnull=True)),
                name="attempt_finished_exactly_when_terminal",
            ),
        ]
        indexes = [
            # Few rows are open at any time; the dispatcher reads only these.
            models.Index(
                F("priority").desc(),
                F("due_at"),
                F("id"),
                name="attempt_queued",
                condition=Q(state=AttemptState.QUEUED),
            ),
            models.Index(
                fields=("deadline_at",),
                name="attempt_running",
                condition=Q(state=AttemptState.RUNNING),
            ),
            # The list of runs by how they were signed in, newest first; nothing for automations that share no session.
            models.Index(fields=("session", "-run"), name="attempt_session", condition=~Q(session="")),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number}"

    @property
    def duration(self) -> timedelta | None:
        """From claim to end; None while either is open."""
        if self.started_at is None or self.finished_at is None:
            return None
        return self.finished_at - self.started_at


def _counts(keys: Collection[str]) -> Q:
    named = [key for key in keys if split(key)[0] in (Kind.SITE, Kind.KEY, Kind.SESSION)]
    # By its name: the model of what a run counts against stands above this one.
    demands = apps.get_model("runs", "Demand").objects.filter(run=OuterRef("run_id"), key__in=named)
    return (
        Q(run__automation__key__in=names_of(Kind.AUTOMATION, keys))
        | Q(run__customer__key__in=names_of(Kind.CUSTOMER, keys))
        | Q(Exists(demands))
    )


class AttemptStage(models.Model):
    """One stage an attempt entered. A commit stage that was entered and not finished has an unknown effect."""

    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="stages")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=100)
    effect = models.CharField(max_length=10, choices=[(effect.value, effect.value) for effect in Effect])
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    succeeded = models.BooleanField(null=True)
    happened_before = models.ForeignKey(
        "runs.CommitGuard",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="The commit that had happened already, so that this stage did not act.",
    )

    class Meta:
        ordering = ("attempt", "position")
        constraints = [
            models.UniqueConstraint(fields=("attempt", "position"), name="stage_position_once"),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True, succeeded__isnull=True)
                | Q(finished_at__isnull=False, succeeded__isnull=False),
                name="stage_finished_has_outcome",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def duration(self) -> timedelta | None:
        """How long the stage took; None while it is open."""
        return self.finished_at - self.started_at if self.finished_at else None


class Step(models.Model):
    """One supervised action. The intent is written before the act, the outcome after it.

    `succeeded` is None while the step is under way (or for ever, when its attempt was lost in the middle of it).
    `decisions` has one entry for each tier asked. `changed` is False for an act that did nothing that could be observed,
    None where that cannot be told. `fingerprint` waits here until its run has succeeded and it is learned; `heal` says
    how a target that was found another way than written could be written (`webgraph.recorder.Heal`).
    """

    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="steps")
    index = models.PositiveIntegerField()
    stage = models.CharField(max_length=100)
    action = models.CharField(max_length=30)
    description = models.TextField()
    target = models.JSONField(null=True, blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    duration_seconds = models.FloatField(null=True, blank=True)
    succeeded = models.BooleanField(null=True)
    tier = models.CharField(max_length=10, blank=True, choices=[(tier.value, tier.value) for tier in Tier])
    url = models.TextField(blank=True)
    failure_kind = models.CharField(
        max_length=20, blank=True, choices=[(kind.value, kind.value) for kind in FailureKind]
    )
    message = models.TextField(blank=True)
    decisions = models.JSONField(default=list)
    changed = models.BooleanField(null=True)
    fingerprint_key = models.CharField(max_length=255, blank=True, default="")
    fingerprint = models.JSONField(null=True, blank=True)
    heal = models.JSONField(null=True, blank=True)

    class Meta:
        ordering = ("attempt", "index")
        constraints = [
            models.UniqueConstraint(fields=("attempt", "index"), name="step_index_once"),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True, succeeded__isnull=True)
                | Q(finished_at__gte=F("started_at"), succeeded__isnull=False),
                name="step_finished_has_outcome",
            ),
        ]

    def __str__(self) -> str:
        return self.description
