"""Endpoints: cancel or rerun many runs, and how far that has got."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from ninja import Query, Router, Schema, Status
from pydantic import ConfigDict, Field

from infra_shared.api.auth import ApiKeyAuth, ApiRequest, actor_of
from infra_shared.api.input import Text
from infra_shared.api.pages import Order, Page, PageQuery, page_of
from infra_shared.api.problems import NotFoundError
from infra_shared.moments import Moment
from infra_shared.scopes import Scope
from runs.errors import UnknownCustomerError
from runs.models import BulkItem, BulkKind, BulkOrder, BulkOutcome
from runs.schemas import IdempotencyKey, RunOut
from runs.services.bulk_orders import BulkRequest, give_bulk_order, orders_for, plan_bulk
from runs.services.run_filter import RunFilter
from runs.states import Cause, RunState
from webgraph.errors import FailureKind
from webgraph.session import Provenance

router = Router(tags=["Runs"])


class BulkFilterIn(Schema):
    """Which runs; all that are given must hold, and at least one must be given."""

    model_config = ConfigDict(extra="forbid")

    states: list[RunState] = Field(
        default_factory=list, description="Any of these. A rerun without them is about failures alone."
    )
    automation: Text = Field("", max_length=100, description="Key of the automation.")
    customer: Text = Field("", max_length=63, description="Key of the customer.")
    cause: Cause | None = None
    failure_kind: FailureKind | None = None
    session: Provenance | None = Field(None, description="How an attempt of it came to be signed in.")
    root: UUID | None = Field(None, description="This run and all reruns that go back to it.")
    created_after: Moment | None = Field(None, description="Created at this moment or later.")
    created_before: Moment | None = Field(None, description="Created before this moment.")

    def as_filter(self) -> RunFilter:
        """The conditions."""
        return RunFilter(
            states=tuple(sorted(state.value for state in self.states)),
            automation=self.automation,
            customer=self.customer,
            cause=self.cause.value if self.cause else "",
            failure_kind=self.failure_kind.value if self.failure_kind else "",
            session=self.session.value if self.session else "",
            root=self.root,
            created_after=self.created_after,
            created_before=self.created_before,
        )


class BulkIn(Schema):
    """What is wanted of many runs."""

    model_config = ConfigDict(extra="forbid")

    filter: BulkFilterIn
    dry_run: bool = Field(True, description="Only count and show some of them; false: do it.")
    reason: Text = Field("", max_length=500, description="Kept in the log of each run that is cancelled.")


class BulkOrderOut(Schema):
    """An order about many runs, and how far it has got."""

    id: UUID
    kind: BulkKind
    filter: dict[str, Any]
    total: int = Field(description="How many runs it was about when it was given.")
    done: int
    skipped: int = Field(description="Nothing had to be done, or nothing can be: `items` say why.")
    failed: int
    created_at: datetime
    finished_at: datetime | None = Field(description="Null while it is worked on.")

    @classmethod
    def of(cls, order: BulkOrder) -> BulkOrderOut:
        """The item for an order."""
        names = ("total", "done", "skipped", "failed", "created_at", "finished_at", "filter")
        facts = {name: getattr(order, name) for name in names}
        return cls(id=order.pk, kind=BulkKind(order.kind), **facts)


class BulkOut(Schema):
    """What an order is or would be about."""

    total: int
    by_state: dict[str, int]
    sample: list[RunOut] = Field(description="The newest of them.")
    order: BulkOrderOut | None = Field(description="Null for a dry run.")


class BulkItemOut(Schema):
    """What became of one run of an order."""

    run: UUID
    outcome: BulkOutcome
    reason: str
    new_run: UUID | None = Field(description="The rerun.")

    @classmethod
    def of(cls, item: BulkItem) -> BulkItemOut:
        """The item for a line of an order."""
        return cls(
            run=item.run_id, outcome=BulkOutcome(item.outcome), reason=item.reason, new_run=item.new_run_id
        )


@router.post(
    "/runs/bulk-cancel",
    auth=ApiKeyAuth(Scope.RUNS_WRITE),
    response={202: BulkOut, 200: BulkOut},
    summary="Cancel many runs",
)
def bulk_cancel(
    request: ApiRequest, response: HttpResponse, body: BulkIn, idempotency_key: IdempotencyKey = None
) -> Status[BulkOut]:
    """Stop every run the filter names that has not ended. 200 for a dry run or a repeated key, 202 for an order."""
    return _bulk(request, response, BulkKind.CANCEL, body, idempotency_key)


@router.post(
    "/runs/bulk-rerun",
    auth=ApiKeyAuth(Scope.RUNS_WRITE),
    response={202: BulkOut, 200: BulkOut},
    summary="Rerun many runs",
)
def bulk_rerun(
    request: ApiRequest, response: HttpResponse, body: BulkIn, idempotency_key: IdempotencyKey = None
) -> Status[BulkOut]:
    """Ask again for every run the filter names that has ended and was not rerun yet, on the latest version."""
    return _bulk(request, response, BulkKind.RERUN, body, idempotency_key)


@router.get(
    "/bulk-orders/{order_id}",
    auth=ApiKeyAuth(Scope.RUNS_READ),
    response=BulkOrderOut,
    summary="Get a bulk order",
)
def get_bulk_order(request: ApiRequest, order_id: UUID) -> BulkOrderOut:
    """How far an order has got."""
    return BulkOrderOut.of(_order(request, order_id))


@router.get(
    "/bulk-orders/{order_id}/items",
    auth=ApiKeyAuth(Scope.RUNS_READ),
    response=Page[BulkItemOut],
    summary="List what became of a bulk order's runs",
)
def list_bulk_items(request: ApiRequest, order_id: UUID, page: Query[PageQuery]) -> Page[BulkItemOut]:
    """One item for each run it has come to."""
    return page_of(_order(request, order_id).items.all(), page, Order("bulk-items"), BulkItemOut.of)


def _bulk(
    request: ApiRequest, response: HttpResponse, kind: BulkKind, body: BulkIn, key: str | None
) -> Status[BulkOut]:
    caller = request.auth.caller
    if body.filter.customer and not caller.reaches(body.filter.customer):
        raise UnknownCustomerError(f"There is no customer {body.filter.customer!r}.")
    wanted = BulkRequest(
        kind=kind,
        filter=body.filter.as_filter(),
        customers=tuple(caller.customers),
        reason=body.reason,
        actor=actor_of(request),
        caller=caller,
        idempotency_key=key,
    )
    plan = plan_bulk(wanted)
    told = BulkOut(
        total=plan.total, by_state=plan.by_state, sample=[RunOut.of(run) for run in plan.sample], order=None
    )
    if body.dry_run:
        return Status(200, told)
    given = give_bulk_order(wanted)
    told.order = BulkOrderOut.of(given.order)
    response["Location"] = reverse("api-v1:get_bulk_order", kwargs={"order_id": given.order.pk})
    return Status(202 if given.created else 200, told)


def _order(request: ApiRequest, order_id: UUID) -> BulkOrder:
    orders = orders_for(customers=request.auth.caller.customers, actor=actor_of(request))
    order = orders.filter(pk=order_id).first()
    if order is None:
        raise NotFoundError(f"There is no bulk order {order_id}.")
    return order
