"""Replays: an event is routed again, by the triggers as they are now, into new matches and new runs.

While a replay's run has not ended, asking again makes nothing new: the same replay is given back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q

from automations.errors import FieldProblem
from infra_shared.models import ALL
from infra_shared.services import audit
from intake import lifecycle
from intake.errors import IntakeInvalidError, ReplayConflictError, ReplayRefusedError
from intake.models import Event, Match, Replay
from intake.services.tickets import send_for_routing
from intake.states import EventState
from runs.states import TERMINAL_RUNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra_shared.models import Caller
    from intake.models import EventQuerySet
    from intake.services.event_filter import EventFilter

MOST_AT_ONCE = 1000
SAMPLE = 10
_MAX_KEY = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRequest:
    """Who wants events replayed, and why. With a caller, the same idempotency key gives the same replay.

    `number` says which replay of one event is wanted: where there is one of this number, it is given back.
    """

    actor: str
    reason: str = ""
    number: int | None = None
    caller: Caller | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class GivenReplay:
    """The replay, and whether this request made it."""

    replay: Replay
    created: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayPlan:
    """What a replay of many would be about: how many events, how many of them at once, and the oldest."""

    total: int
    at_once: int
    sample: list[Event]


def replay_event(*, event: Event, request: ReplayRequest) -> GivenReplay:
    """Route an event again.

    ReplayRefusedError while it waits for its first routing; ReplayConflictError when the idempotency key was used for
    another event.
    """
    repeated = _repeated(event, request)
    if repeated is not None:
        return GivenReplay(repeated, created=False)
    try:
        with transaction.atomic():
            return _replay(event, request)
    except IntegrityError:
        repeated = _repeated(event, request)  # the same key arrived twice at the same moment
        if repeated is None:
            raise
        return GivenReplay(repeated, created=False)


def plan_replays(
    *, wanted: EventFilter, customers: Sequence[str] = (ALL,), at_most: int = MOST_AT_ONCE
) -> ReplayPlan:
    """Say which events a replay of many would be about; nothing is written.

    IntakeInvalidError without any condition.
    """
    rows = _meant(wanted, customers)
    total = rows.count()
    sample = rows.select_related("source", "customer").order_by("id")[:SAMPLE]
    return ReplayPlan(total=total, at_once=min(total, at_most, MOST_AT_ONCE), sample=list(sample))


@transaction.atomic
def replay_events(
    *,
    wanted: EventFilter,
    request: ReplayRequest,
    customers: Sequence[str] = (ALL,),
    at_most: int = MOST_AT_ONCE,
) -> int:
    """Replay the oldest events a filter means, as many as go at once; returns how many.

    Those that are pending, or whose last replay's run has not ended, are left out. IntakeInvalidError without any
    condition.
    """
    rows = _meant(wanted, customers).order_by("id").select_for_update(of=("self",))
    found = list(rows.values_list("pk", "replay")[: min(at_most, MOST_AT_ONCE)])
    if not found:
        return 0
    lifecycle.reopen_events(event_id for event_id, _ in found)
    Replay.objects.bulk_create(
        Replay(
            event_id=event_id,
            number=number + 1,
            requested_by=request.actor,
            reason=request.reason[:500],
            caller=request.caller,
        )
        for event_id, number in found
    )
    audit.record(
        actor=request.actor,
        action="event.replay_many",
        object_kind="event",
        object_id=found[0][0],
        reason=request.reason,
        details={"events": len(found), "filter": wanted.in_words()},
    )
    send_for_routing()
    return len(found)


def _replay(event: Event, request: ReplayRequest) -> GivenReplay:
    locked = Event.objects.select_for_update(of=("self",)).select_related("customer").get(pk=event.pk)
    latest = locked.replays.filter(number=locked.replay).first()
    if latest is not None and request.number is not None and request.number <= locked.replay:
        return GivenReplay(latest, created=False)
    if latest is not None and (locked.state == EventState.PENDING or _has_open_run(locked)):
        return GivenReplay(latest, created=False)
    if locked.state == EventState.PENDING:
        raise ReplayRefusedError("The event has not been routed yet: wait until it is.")
    lifecycle.reopen_events([locked.pk])
    replay = Replay.objects.create(
        event=locked,
        number=locked.replay + 1,
        requested_by=request.actor,
        reason=request.reason[:500],
        caller=request.caller,
        idempotency_key=request.idempotency_key if request.caller is not None else None,
    )
    audit.record(
        actor=request.actor,
        action="event.replay",
        object_kind="event",
        object_id=locked.pk,
        customer=locked.customer.key,
        reason=request.reason,
        details={"replay": replay.number},
    )
    send_for_routing()
    return GivenReplay(replay, created=True)


def _meant(wanted: EventFilter, customers: Sequence[str]) -> EventQuerySet:
    if wanted.is_empty:
        raise IntakeInvalidError(
            [FieldProblem("filter", "Say which events: by source, type, state, customer or time.")]
        )
    rows = wanted.apply(Event.objects.for_customers(customers)).exclude(state=EventState.PENDING)
    of_latest = Match.objects.filter(event=OuterRef("pk"), replay=OuterRef("replay"))
    return rows.exclude(Q(replay__gt=0) & Exists(of_latest.filter(_open_run())))


def _has_open_run(event: Event) -> bool:
    return Match.objects.filter(_open_run(), event=event, replay=event.replay).exists()


def _open_run() -> Q:
    return Q(run__isnull=False) & ~Q(run__state__in=sorted(TERMINAL_RUNS))


def _repeated(event: Event, request: ReplayRequest) -> Replay | None:
    key = request.idempotency_key
    if key is None or request.caller is None:
        return None
    if not key or len(key) > _MAX_KEY:
        raise IntakeInvalidError([FieldProblem("Idempotency-Key", f"Use 1 to {_MAX_KEY} characters.")])
    earlier = Replay.objects.filter(caller=request.caller, idempotency_key=key).first()
    if earlier is not None and earlier.event_id != event.pk:
        raise ReplayConflictError(
            f"The idempotency key {key!r} was used for another event ({earlier.event_id}). Use a new key."
        )
    return earlier
