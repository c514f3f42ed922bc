"""Cancelling or rerunning every run a filter names: looked at first, kept as an order, done in small pieces.

An order is about the runs there were when it was given. Each run is one transaction with its line in the order, and the line's
key makes an order touch a run once, whoever works on it and however often. Two orders for the same runs make nothing twice
either: who is being cancelled or has been rerun is skipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count
from django_q.tasks import async_task

from infra_shared.ids import uuid7
from infra_shared.models import ALL
from infra_shared.services import audit
from runs.errors import IdempotencyConflictError, InvalidRequestError
from runs.models import BulkKind, BulkOrder, Run
from runs.states import FAILED_RUNS, TERMINAL_RUNS, RunState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet

    from infra_shared.models import Caller
    from runs.models import RunQuerySet
    from runs.services.run_filter import RunFilter

TASK = "runs.tasks.work_on_bulk_order"
SAMPLE = 10
_MAX_KEY = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkRequest:
    """What somebody wants done with which runs, and whose runs they reach."""

    kind: BulkKind
    filter: RunFilter
    customers: tuple[str, ...] = (ALL,)
    reason: str = ""
    actor: str
    caller: Caller | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkPlan:
    """What an order would be about: how many runs, by state, and the newest of them."""

    total: int
    by_state: dict[str, int]
    sample: list[Run]


@dataclass(frozen=True, slots=True)
class GivenOrder:
    """The order, and whether this request gave it (False: the same request had given it before)."""

    order: BulkOrder
    created: bool


def plan_bulk(request: BulkRequest) -> BulkPlan:
    """Say what an order would be about; nothing is written. InvalidRequestError without any condition."""
    rows = _meant(request)
    by_state = dict(rows.values_list("state").annotate(Count("pk")).order_by("state"))
    sample = rows.select_related("automation", "customer", "version").newest_first()[:SAMPLE]
    return BulkPlan(total=sum(by_state.values()), by_state=by_state, sample=list(sample))


def give_bulk_order(request: BulkRequest) -> GivenOrder:
    """Write the order and have it worked on; the same request with the same key gives the same order.

    InvalidRequestError without any condition, IdempotencyConflictError when the key was used for another request.
    """
    repeated = _repeated(request)
    if repeated is not None:
        return GivenOrder(repeated, created=False)
    try:
        with transaction.atomic():
            return GivenOrder(_write(request), created=True)
    except IntegrityError:
        repeated = _repeated(request)  # the same key arrived twice at the same moment
        if repeated is None:
            raise
        return GivenOrder(repeated, created=False)


def send_for_work(order: BulkOrder) -> None:
    """Make a ticket for the next piece of an order: a hint, for the chore looks after what nobody works on."""
    async_task(TASK, str(order.pk), q_options={"cluster": settings.CHORES_QUEUE, "ack_failure": False})


def runs_of(order: BulkOrder, request_filter: RunFilter) -> RunQuerySet:
    """The runs an order is about and has not come to yet, the newest first."""
    rows = Run.objects.for_customers(order.customers).filter(pk__lte=order.newest)
    if order.reached is not None:
        rows = rows.filter(pk__lt=order.reached)
    return request_filter.apply(_candidates(rows, BulkKind(order.kind), request_filter)).newest_first()


def orders_for(*, customers: Iterable[str], actor: str) -> QuerySet[BulkOrder]:
    """The orders that somebody may look at: who reaches every customer all of them, others their own."""
    orders = BulkOrder.objects.select_related("caller")
    return orders if ALL in customers else orders.filter(requested_by=actor)


def _write(request: BulkRequest) -> BulkOrder:
    rows = _meant(request)
    found = rows.aggregate(total=Count("pk"))
    newest = rows.newest_first().values_list("pk", flat=True).first()
    order = BulkOrder.objects.create(
        kind=request.kind,
        filter=request.filter.as_json(),
        customers=list(request.customers),
        reason=request.reason,
        requested_by=request.actor,
        caller=request.caller,
        idempotency_key=request.idempotency_key,
        total=found["total"],
        newest=newest or uuid7(),
    )
    audit.record(
        actor=request.actor,
        action=f"run.bulk_{request.kind}",
        object_kind="bulk_order",
        object_id=order.pk,
        reason=request.reason,
        details={"filter": order.filter, "total": order.total},
    )
    send_for_work(order)
    return order


def _meant(request: BulkRequest) -> RunQuerySet:
    if request.filter.is_empty:
        raise InvalidRequestError("filter", "Say which runs: by state, automation, customer, cause or time.")
    rows = Run.objects.for_customers(request.customers)
    return request.filter.apply(_candidates(rows, request.kind, request.filter))


def _candidates(rows: RunQuerySet, kind: BulkKind, wanted: RunFilter) -> RunQuerySet:
    """Those an order of this kind can be about at all. Successes are rerun only when the filter names states."""
    if kind is BulkKind.CANCEL:
        return rows.unfinished().exclude(state=RunState.CANCELLING)
    return rows.filter(state__in=sorted(TERMINAL_RUNS if wanted.states else FAILED_RUNS))


def _repeated(request: BulkRequest) -> BulkOrder | None:
    key = request.idempotency_key
    if key is None or request.caller is None:
        return None
    if not key or len(key) > _MAX_KEY:
        raise InvalidRequestError("Idempotency-Key", f"Use 1 to {_MAX_KEY} characters.")
    earlier = BulkOrder.objects.filter(caller=request.caller, idempotency_key=key).first()
    if earlier is None:
        return None
    if (earlier.kind, earlier.filter, earlier.reason) != (
        request.kind,
        request.filter.as_json(),
        request.reason,
    ):
        raise IdempotencyConflictError(
            f"The idempotency key {key!r} was used for another bulk order ({earlier.pk}). Use a new key."
        )
    return earlier
