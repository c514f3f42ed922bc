"""Endpoints: what a run did, step by step, and which files it left."""

from __future__ import annotations

from uuid import UUID

from ninja import P, Query, QueryEx, Router

from infra_shared.api.auth import ApiKeyAuth, ApiRequest
from infra_shared.api.pages import Order, Page, PageQuery, page_of
from infra_shared.scopes import Scope
from runs.api.reach import run_in_reach
from runs.models import Step
from runs.schemas import ArtifactOut, AttemptOut, StepOut, TransitionOut

router = Router(tags=["Runs"])


@router.get(
    "/runs/{run_id}/attempts",
    auth=ApiKeyAuth(Scope.RUNS_READ),
    response=Page[AttemptOut],
    summary="List attempts",
)
def list_attempts(request: ApiRequest, run_id: UUID, page: Query[PageQuery]) -> Page[AttemptOut]:
    """The tries at a run, first one first."""
    rows = run_in_reach(request, run_id).attempts.select_related("executed_version")
    return page_of(rows, page, Order("attempts"), AttemptOut.of)


@router.get(
    "/runs/{run_id}/steps",
    auth=ApiKeyAuth(Scope.RUNS_READ),
    response=Page[StepOut],
    summary="List steps",
)
def list_steps(
    request: ApiRequest,
    run_id: UUID,
    page: Query[PageQuery],
    attempt: QueryEx[
        int | None, P(ge=1, le=32767, description="Number of one attempt; all without it.")
    ] = None,
) -> Page[StepOut]:
    """What the run did, in order, as it happens."""
    rows = Step.objects.filter(attempt__run=run_in_reach(request, run_id)).select_related("attempt")
    if attempt is not None:
        rows = rows.filter(attempt__number=attempt)
    return page_of(rows, page, Order("steps"), StepOut.of)


@router.get(
    "/runs/{run_id}/artifacts",
    auth=ApiKeyAuth(Scope.RUNS_READ),
    response=Page[ArtifactOut],
    summary="List artifacts",
)
def list_artifacts(request: ApiRequest, run_id: UUID, page: Query[PageQuery]) -> Page[ArtifactOut]:
    """The files a run used or left, in the order in which they were kept, and those that are missing."""
    rows = run_in_reach(request, run_id).artifacts.select_related("attempt", "step")
    return page_of(rows, page, Order("artifacts"), ArtifactOut.of)


@router.get(
    "/runs/{run_id}/transitions",
    auth=ApiKeyAuth(Scope.RUNS_READ),
    response=Page[TransitionOut],
    summary="List transitions",
)
def list_transitions(request: ApiRequest, run_id: UUID, page: Query[PageQuery]) -> Page[TransitionOut]:
    """Every move of a run and its attempts, with who made it and why, oldest first."""
    rows = run_in_reach(request, run_id).transitions.select_related("attempt")
    return page_of(rows, page, Order("transitions"), TransitionOut.of)
