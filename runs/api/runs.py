"""Endpoints: ask for a run, look at it, stop it, ask for it again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import HttpResponse
from django.urls import reverse
from ninja import Query, Router, Status

from infra_shared.api.auth import ApiKeyAuth, ApiRequest, actor_of
from infra_shared.api.pages import Order, Page, PageQuery, page_of
from infra_shared.scopes import Scope
from runs.api.reach import run_in_reach, runs_in_reach
from runs.errors import UnknownCustomerError
from runs.schemas import CancelIn, IdempotencyKey, RerunIn, RunFilters, RunIn, RunOut
from runs.services import cancelling
from runs.services.requests import Origin, RequestedRun, RunRequest, request_run
from runs.services.reruns import rerun
from runs.services.run_filter import signed_in
from runs.states import Cause

router = Router(tags=["Runs"])


@router.post(
    "/runs",
    auth=ApiKeyAuth(Scope.RUNS_WRITE),
    response={201: RunOut, 200: RunOut},
    summary="Create a run",
)
def create_run(
    request: ApiRequest,
    response: HttpResponse,
    body: RunIn,
    idempotency_key: IdempotencyKey = None,
) -> Status[RunOut]:
    """Ask for one execution of an automation, now or later. Answers at once; `Location` says where to look."""
    if not request.auth.caller.reaches(body.customer):
        raise UnknownCustomerError(f"There is no customer {body.customer!r}.")
    requested = request_run(
        request=RunRequest(
            automation=body.automation,
            params=body.params,
            customer=body.customer,
            evidence_level=body.evidence_level,
            due_at=body.due_at,
            priority=body.priority,
        ),
        origin=_origin(request, idempotency_key),
    )
    return _requested(requested, response)


@router.get("/runs", auth=ApiKeyAuth(Scope.RUNS_READ), response=Page[RunOut], summary="List runs")
def list_runs(request: ApiRequest, filters: Query[RunFilters], page: Query[PageQuery]) -> Page[RunOut]:
    """The runs of the customers within reach, newest first."""
    rows = runs_in_reach(request).filter(_condition(filters))
    rows = rows.created_between(filters.created_after, filters.created_before)
    if filters.session is not None:
        rows = signed_in(rows, filters.session)
    return page_of(rows, page, Order("runs", newest_first=True), RunOut.of)


@router.get("/runs/{run_id}", auth=ApiKeyAuth(Scope.RUNS_READ), response=RunOut, summary="Get a run")
def get_run(request: ApiRequest, run_id: UUID) -> RunOut:
    """One run as it stands now."""
    return RunOut.of(run_in_reach(request, run_id))


@router.post(
    "/runs/{run_id}/cancel", auth=ApiKeyAuth(Scope.RUNS_WRITE), response=RunOut, summary="Cancel a run"
)
def cancel_run(request: ApiRequest, run_id: UUID, body: CancelIn | None = None) -> RunOut:
    """Stop a run: `cancelled` at once while it waits, `cancelling` while an attempt is at work; 409 when it ended."""
    run = run_in_reach(request, run_id)
    cancelling.cancel_run(run=run, actor=actor_of(request), reason=body.reason if body else "")
    return RunOut.of(run_in_reach(request, run_id))


@router.post(
    "/runs/{run_id}/rerun",
    auth=ApiKeyAuth(Scope.RUNS_WRITE),
    response={201: RunOut, 200: RunOut},
    summary="Rerun a run",
)
def rerun_run(
    request: ApiRequest,
    response: HttpResponse,
    run_id: UUID,
    body: RerunIn | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Status[RunOut]:
    """Ask for a new run like one that ended, on the latest published version; 409 while it has not ended."""
    requested = rerun(
        run=run_in_reach(request, run_id),
        origin=_origin(request, idempotency_key),
        params=body.params if body else None,
        secret_params=body.secret_params if body else None,
        evidence_level=body.evidence_level if body else None,
        from_stage=body.from_stage if body else "",
    )
    return _requested(requested, response)


def _origin(request: ApiRequest, idempotency_key: str | None) -> Origin:
    return Origin(
        cause=Cause.API,
        actor=actor_of(request),
        cause_ref=request.auth.public_id,
        caller=request.auth.caller,
        idempotency_key=idempotency_key,
    )


def _requested(requested: RequestedRun, response: HttpResponse) -> Status[RunOut]:
    run = requested.run
    response["Location"] = reverse("api-v1:get_run", kwargs={"run_id": run.pk})
    return Status(201 if requested.created else 200, RunOut.of(run))


def _condition(filters: RunFilters) -> Q:
    columns: dict[str, Any] = {
        "state": filters.state,
        "automation__key": filters.automation,
        "customer__key": filters.customer,
        "cause": filters.cause,
    }
    condition = Q(**{name: value for name, value in columns.items() if value is not None})
    if filters.root is not None:
        condition &= Q(root=filters.root) | Q(pk=filters.root)
    return condition
