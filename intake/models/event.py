"""What came: one row for each delivery that was stored."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Exists, OuterRef, Q

from automations.models import Customer
from infra_shared.clock import utc_now
from infra_shared.ids import uuid7, uuid7_floor
from infra_shared.models import ALL, Blob, Caller
from intake.models.source import Scheme, Source
from intake.states import EventState

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

MAX_BODY_IN_ROW_BYTES = 128_000
"""Up to here a body lives in its row; a larger one is a blob."""
MAX_KEY_LENGTH = 300
_ID_MARGIN = timedelta(minutes=1)


class KeyKind(models.TextChoices):
    """What tells a delivery from another one."""

    DELIVERY = "delivery", "Provider's delivery id"
    HEADER = "header", "Value of a header"
    HASH = "hash", "Hash of the body within a window"


class EventQuerySet(models.QuerySet["Event"]):
    """Questions about events."""

    def newest_first(self) -> EventQuerySet:
        """Ordered by the time-ordered id, which every list and cursor uses."""
        return self.order_by("-id")

    def for_customers(self, customers: Iterable[str]) -> EventQuerySet:
        """Those of a list of customer keys; "*" means all."""
        keys = list(customers)
        return self if ALL in keys else self.filter(customer__key__in=keys)

    def to_route(self, now: datetime) -> EventQuerySet:
        """Pending ones that no process is at, the oldest first."""
        free = Q(route_after__isnull=True) | Q(route_after__lte=now)
        return self.filter(free, state=EventState.PENDING).order_by("id")

    def late(self, limit: datetime) -> EventQuerySet:
        """Pending ones that came, or were last asked to be replayed, before the limit: routing should be done by now."""
        asked = Replay.objects.filter(event=OuterRef("pk"), number=OuterRef("replay"), created_at__lt=limit)
        came = Q(replay=0, stored_at__lt=limit)
        return self.filter(came | Q(Q(replay__gt=0), Exists(asked)), state=EventState.PENDING)

    def stored_between(self, begin: datetime | None, end: datetime | None) -> EventQuerySet:
        """Those stored from `begin` on and before `end`; None leaves a side open.

        The time-ordered key narrows the search (there is no index on stored_at), with room for the time between reading
        the clock and making the key.
        """
        found = self
        if begin is not None:
            found = found.filter(stored_at__gte=begin, id__gte=uuid7_floor(begin - _ID_MARGIN))
        if end is not None:
            found = found.filter(stored_at__lt=end, id__lt=uuid7_floor(end + _ID_MARGIN))
        return found


class Event(models.Model):
    """One delivery, as its sender sent it: the bytes of its body, and its headers without credentials.

    UNIQUE(source, key) stores it once; what came again is counted in `duplicates`. `message_id` is what the edge calls it.
    `state` is written by `intake.lifecycle` alone. `replay` is the number of its latest replay, 0 before the first.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="+")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    message_id = models.UUIDField(db_index=True)
    key = models.CharField(max_length=MAX_KEY_LENGTH)
    key_kind = models.CharField(max_length=10, choices=KeyKind.choices)
    type = models.CharField(max_length=200, blank=True)
    scheme = models.CharField(max_length=10, choices=Scheme.choices)
    content_type = models.CharField(max_length=255, blank=True)
    headers = models.JSONField(default=list, help_text="Pairs of name and value, in their order.")
    query = models.TextField(blank=True)
    body = models.BinaryField(null=True, help_text="Empty where the body is a blob.")
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    size_bytes = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    edge_attempts = models.PositiveIntegerField(
        default=1, help_text="How often the edge tried to hand it over."
    )
    duplicates = models.PositiveIntegerField(default=0, help_text="How often the same came again.")
    last_duplicate_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField(help_text="When the edge took it.")
    stored_at = models.DateTimeField(default=utc_now)

    state = models.CharField(max_length=10, choices=EventState.choices, default=EventState.PENDING)
    state_reason = models.CharField(max_length=500, blank=True)
    routed_at = models.DateTimeField(null=True, blank=True, help_text="When its state became final.")
    route_after = models.DateTimeField(
        null=True, blank=True, help_text="Until then a process has it for itself."
    )
    route_tries = models.PositiveSmallIntegerField(default=0)
    replay = models.PositiveIntegerField(default=0)

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        permissions = (("replay_event", "Can replay events"),)
        constraints = [
            models.UniqueConstraint(fields=("source", "key"), name="event_key_once"),
            models.CheckConstraint(
                condition=Q(state=EventState.PENDING, routed_at__isnull=True)
                | (~Q(state=EventState.PENDING) & Q(routed_at__isnull=False)),
                name="event_routed_at_exactly_when_final",
            ),
            models.CheckConstraint(
                condition=Q(body__isnull=False, blob__isnull=True) | Q(body__isnull=True, blob__isnull=False),
                name="event_body_in_one_place",
            ),
        ]
        indexes = [
            models.Index(fields=("customer", "-id"), name="event_by_customer"),
            models.Index(fields=("source", "-id"), name="event_by_source"),
            models.Index(fields=("source", "type", "-id"), name="event_by_type"),
            models.Index(fields=("state", "-id"), name="event_by_state"),
            # Read by every routing ticket and the sweeper: few rows, whatever the size of the inbox.
            models.Index(fields=("id",), name="event_pending", condition=Q(state=EventState.PENDING)),
        ]

    def __str__(self) -> str:
        return f"{self.type or 'event'} {self.short_id}"

    @property
    def short_id(self) -> str:
        """The last eight characters: enough for people to tell events apart."""
        return str(self.id)[-8:]

    @property
    def is_final(self) -> bool:
        """Whether routing has done with it."""
        return self.state != EventState.PENDING


class Replay(models.Model):
    """Somebody's wish to route an event again. Its number is that of the matches it makes."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="replays")
    number = models.PositiveIntegerField()
    requested_by = models.CharField(max_length=200)
    reason = models.CharField(max_length=500, blank=True)
    caller = models.ForeignKey(Caller, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - NULLs are distinct in the unique key
    created_at = models.DateTimeField(default=utc_now)

    class Meta:
        ordering = ("number",)
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=("event", "number"), name="replay_number_once"),
            models.UniqueConstraint(
                fields=("caller", "idempotency_key"),
                name="replay_idempotency_once",
                condition=Q(idempotency_key__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"replay {self.number} of {self.event_id}"
