"""One requested execution of an automation."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from automations.models import Automation, AutomationVersion, Customer
from infra_shared.clock import utc_now
from infra_shared.ids import uuid7, uuid7_floor
from infra_shared.models import Caller
from runs.states import FAILED_RUNS, TERMINAL_RUNS, WAITING_RUNS, Cause, RunState
from webgraph.errors import FailureKind
from webgraph.recorder import EvidenceLevel

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

_ID_MARGIN = timedelta(minutes=1)


class RunQuerySet(models.QuerySet["Run"]):
    """Questions about runs."""

    def newest_first(self) -> RunQuerySet:
        """Ordered by the time-ordered id, which every list and cursor uses."""
        return self.order_by("-id")

    def for_customers(self, customers: Iterable[str]) -> RunQuerySet:
        """Those within reach of a list of customer keys; "*" reaches all."""
        keys = list(customers)
        return self if "*" in keys else self.filter(customer__key__in=keys)

    def created_between(self, begin: datetime | None, end: datetime | None) -> RunQuerySet:
        """Those created from `begin` on and before `end`; None leaves a side open.

        The time-ordered key narrows the search (there is no index on created_at), with room for the milliseconds
        between making the id and the time.
        """
        found = self
        if begin is not None:
            found = found.filter(created_at__gte=begin, id__gte=uuid7_floor(begin - _ID_MARGIN))
        if end is not None:
            found = found.filter(created_at__lt=end, id__lt=uuid7_floor(end + _ID_MARGIN))
        return found

    def unfinished(self) -> RunQuerySet:
        """Those that have not reached a terminal state."""
        return self.exclude(state__in=TERMINAL_RUNS)

    def failures(self) -> RunQuerySet:
        """Those that count as a failure."""
        return self.filter(state__in=FAILED_RUNS)

    def open_failures(self) -> RunQuerySet:
        """Failures that no rerun has mended and no operator has resolved."""
        return self.failures().filter(resolved_at__isnull=True)

    def waited_too_long(self, now: datetime) -> RunQuerySet:
        """Those still waiting for an attempt to begin after their queue timeout."""
        return self.filter(state__in=sorted(WAITING_RUNS), expires_at__lte=now)


class Run(models.Model):
    """One requested execution. The row exists before any browser starts.

    `cause_ref` is an opaque reference to what caused it (a schedule's occurrence, an event, a user name). `state`
    says where it is in its life and is written by `runs.lifecycle` alone; `failure_kind` says why it failed.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    automation = models.ForeignKey(Automation, on_delete=models.PROTECT, related_name="+")
    version = models.ForeignKey(AutomationVersion, on_delete=models.PROTECT, related_name="+")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    queue = models.CharField(max_length=63, default="default")
    priority = models.SmallIntegerField(default=0, help_text="Higher goes first.")
    params = models.JSONField(default=dict)
    evidence_level = models.CharField(
        max_length=10, choices=[(level.value, level.value) for level in EvidenceLevel]
    )

    cause = models.CharField(max_length=10, choices=Cause.choices)
    cause_ref = models.CharField(max_length=200, blank=True)
    requested_by = models.CharField(
        max_length=200, blank=True, help_text="Actor, such as operator:anna or caller:ci."
    )
    caller = models.ForeignKey(Caller, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - NULLs are distinct in the unique key
    request_digest = models.CharField(max_length=64, blank=True)
    rerun_of = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="reruns"
    )
    root = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="descendants"
    )

    from_stage = models.CharField(
        max_length=100,
        blank=True,
        help_text="The stage a rerun begins with; what is before it was done by the run it repeats.",
    )

    state = models.CharField(max_length=14, choices=RunState.choices, default=RunState.SCHEDULED)
    state_reason = models.CharField(
        max_length=500, blank=True, help_text="Why it is in this state, in words."
    )
    failure_kind = models.CharField(
        max_length=20, blank=True, choices=[(kind.value, kind.value) for kind in FailureKind]
    )
    failure_message = models.TextField(blank=True)
    failed_stage = models.CharField(max_length=100, blank=True)
    attempts_made = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=1)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)

    resolved_at = models.DateTimeField(null=True, blank=True, help_text="When a failure stopped being open.")
    resolved_by = models.CharField(max_length=200, blank=True)
    resolution_note = models.TextField(blank=True)
    pinned_at = models.DateTimeField(
        null=True, blank=True, help_text="Pinned runs outlive every retention rule."
    )
    pinned_by = models.CharField(max_length=200, blank=True)
    evidence_removed_at = models.DateTimeField(
        null=True, blank=True, help_text="When retention last removed files of it."
    )

    result = models.JSONField(
        null=True, blank=True, help_text="Results up to 64 KB; larger ones are an artifact."
    )
    result_artifact = models.ForeignKey(
        "runs.Artifact", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    created_at = models.DateTimeField(default=utc_now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    ends_by = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When the whole run's time is over; set when its first attempt begins.",
    )
    expires_at = models.DateTimeField(help_text="When waiting for the next attempt to begin ends.")

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        permissions = (
            ("request_run", "Can ask for runs and reruns"),
            ("cancel_run", "Can cancel runs"),
            ("answer_run", "Can answer what runs ask"),
            ("resolve_run", "Can resolve failures"),
            ("pin_run", "Can pin runs"),
        )
        constraints = [
            models.UniqueConstraint(
                fields=("caller", "idempotency_key"),
                name="run_idempotency_once",
                condition=Q(idempotency_key__isnull=False),
            ),
            models.CheckConstraint(
                condition=Q(state__in=sorted(TERMINAL_RUNS), finished_at__isnull=False)
                | (~Q(state__in=sorted(TERMINAL_RUNS)) & Q(finished_at__isnull=True)),
                name="run_finished_exactly_when_terminal",
            ),
            models.CheckConstraint(
                condition=~Q(state=RunState.SUCCEEDED) | Q(failure_kind=""),
                name="run_succeeded_without_failure",
            ),
            models.CheckConstraint(
                condition=Q(resolved_at__isnull=True) | Q(state__in=sorted(FAILED_RUNS)),
                name="run_resolved_only_when_failed",
            ),
            models.CheckConstraint(
                condition=~Q(state=RunState.RUNNING) | Q(started_at__isnull=False),
                name="run_running_has_started",
            ),
        ]
        indexes = [
            models.Index(fields=("state", "-id"), name="run_by_state"),
            models.Index(fields=("automation", "-id"), name="run_by_automation"),
            models.Index(fields=("customer", "-id"), name="run_by_customer"),
            models.Index(fields=("root", "-id"), name="run_by_root"),
            # Failures that still need somebody: few, whatever the size of the history.
            models.Index(
                fields=("automation", "-id"),
                name="run_open_failure",
                condition=Q(state__in=sorted(FAILED_RUNS), resolved_at__isnull=True),
            ),
            # Few runs are pinned, and their list is read in the order of time.
            models.Index(fields=("-id",), name="run_pinned", condition=Q(pinned_at__isnull=False)),
            # Runs that wait for an attempt and may expire: few, whatever the size of the history.
            models.Index(
                fields=("expires_at",),
                name="run_waiting",
                condition=Q(state__in=sorted(WAITING_RUNS)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.automation.key} {self.short_id}"

    @property
    def short_id(self) -> str:
        """The last eight characters: enough for people to tell runs apart."""
        return str(self.id)[-8:]

    @property
    def is_terminal(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in TERMINAL_RUNS

    @property
    def is_failure(self) -> bool:
        """Whether it counts as a failure."""
        return self.state in FAILED_RUNS

    @property
    def is_open_failure(self) -> bool:
        """Whether it failed and still needs somebody."""
        return self.is_failure and self.resolved_at is None

    @property
    def duration(self) -> timedelta | None:
        """From the first attempt's start to the end; None while either is open."""
        if self.started_at is None or self.finished_at is None:
            return None
        return self.finished_at - self.started_at
