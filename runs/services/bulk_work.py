"""Working on a bulk order: one run after the other, each in a transaction of its own, for a bounded time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from django.db import transaction
from django.db.models import F, Q

from automations.errors import AutomationsError
from infra_shared import clock
from infra_shared.database import database_now
from runs.errors import RunsError, WrongStateError
from runs.models import BulkItem, BulkKind, BulkOrder, BulkOutcome, Run
from runs.services.bulk_orders import runs_of, send_for_work
from runs.services.cancelling import cancel_run
from runs.services.requests import Origin
from runs.services.reruns import rerun
from runs.services.run_filter import RunFilter
from runs.services.run_secrets import hidden_params
from runs.states import Cause

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

PIECE_SECONDS = 15.0
"""How long one task works on an order: chores end within half a minute, with room for a slow last run."""
KEPT_FOR = timedelta(seconds=60)
"""How long a process has an order for itself: one that died is followed by another after this."""
_AT_ONCE = 50
_log = structlog.get_logger(__name__)


def work_on(
    *, order_id: UUID, seconds: float = PIECE_SECONDS, monotonic: Callable[[], float] = clock.monotonic
) -> BulkOrder | None:
    """Do the next piece of an order and return it; None when it is finished or somebody else is at it.

    What is left gets a ticket for the next piece.
    """
    order = _take(order_id)
    if order is None:
        return None
    until = monotonic() + seconds
    wanted = RunFilter.from_json(order.filter)
    while monotonic() < until:
        rows = list(runs_of(order, wanted).values_list("pk", flat=True)[:_AT_ONCE])
        if not rows:
            return _finish(order)
        for run_id in rows:
            _handle(order, run_id)
            if monotonic() >= until:
                break
    with transaction.atomic():
        BulkOrder.objects.filter(pk=order.pk).update(worked_until=None)
        send_for_work(order)
    order.refresh_from_db()
    return order


def continue_orders() -> int:
    """Make a ticket for every unfinished order that nobody works on; returns how many."""
    orders = list(BulkOrder.objects.left_alone(database_now()))
    for order in orders:
        send_for_work(order)
    return len(orders)


def _take(order_id: UUID) -> BulkOrder | None:
    now = database_now()
    free = Q(worked_until__isnull=True) | Q(worked_until__lt=now)
    taken = BulkOrder.objects.filter(free, pk=order_id, finished_at__isnull=True)
    if not taken.update(worked_until=now + KEPT_FOR):
        return None
    return BulkOrder.objects.select_related("caller").get(pk=order_id)


def _finish(order: BulkOrder) -> BulkOrder:
    BulkOrder.objects.filter(pk=order.pk).update(finished_at=database_now(), worked_until=None)
    order.refresh_from_db()
    _log.info("bulk_order_finished", order=str(order.pk), done=order.done, skipped=order.skipped)
    return order


@transaction.atomic
def _handle(order: BulkOrder, run_id: UUID) -> None:
    """Do one run, with its line and the order's counts; nothing when the order has a line for it."""
    order.reached = run_id
    run = (
        Run.objects.select_for_update(of=("self",))
        .select_related("automation", "version", "customer")
        .get(pk=run_id)
    )
    if BulkItem.objects.filter(order=order, run=run).exists():
        return
    outcome, reason, new_run = _carry_out(order, run)
    BulkItem.objects.create(order=order, run=run, outcome=outcome, reason=reason[:500], new_run=new_run)
    BulkOrder.objects.filter(pk=order.pk).update(
        **{outcome.value: F(outcome.value) + 1},
        reached=run_id,
        worked_until=database_now() + KEPT_FOR,
    )


def _carry_out(order: BulkOrder, run: Run) -> tuple[BulkOutcome, str, Run | None]:
    do = _cancel if order.kind == BulkKind.CANCEL else _rerun
    try:
        with transaction.atomic():
            return do(order, run)
    except WrongStateError as error:
        return BulkOutcome.SKIPPED, str(error), None
    except (RunsError, AutomationsError) as error:
        return BulkOutcome.FAILED, str(error), None


def _cancel(order: BulkOrder, run: Run) -> tuple[BulkOutcome, str, Run | None]:
    if run.cancel_requested_at is not None and not run.is_terminal:
        return BulkOutcome.SKIPPED, "It was being cancelled already.", None
    cancel_run(run=run, actor=order.requested_by, reason=order.reason or "cancelled with many others")
    return BulkOutcome.DONE, "", None


def _rerun(order: BulkOrder, run: Run) -> tuple[BulkOutcome, str, Run | None]:
    why_not = why_not_rerun(run)
    if why_not:
        return BulkOutcome.SKIPPED, why_not, None
    origin = Origin(cause=Cause.RERUN, actor=order.requested_by, caller=order.caller)
    return BulkOutcome.DONE, "", rerun(run=run, origin=origin).run


def why_not_rerun(run: Run) -> str:
    """Why a bulk order leaves a run out; empty when it does not. A single rerun may still be asked for."""
    if run.reruns.exists():
        return "It was rerun already."
    missing = hidden_params(run)
    if missing:
        return f"Its secret params are not kept: {', '.join(missing)}. Rerun it by itself and type them in."
    return ""
