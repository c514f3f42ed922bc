"""Endpoints: what became of a schedule's planned times, and filling in what is missing."""

from __future__ import annotations

from ninja import Query, Router

from automations.api.schedules import schedule_in_reach
from infra_shared.api.auth import ApiKeyAuth, ApiRequest, actor_of
from infra_shared.api.input import RowId
from infra_shared.api.pages import Order, Page, PageQuery, page_of
from infra_shared.scopes import Scope
from runs.models import Occurrence
from runs.schemas import BackfillIn, BackfillOut, OccurrenceFilters, OccurrenceOut
from runs.services.backfills import backfill, plan_backfill

router = Router(tags=["Schedules"])


@router.get(
    "/schedules/{schedule_id}/occurrences",
    auth=ApiKeyAuth(Scope.SCHEDULES_READ),
    response=Page[OccurrenceOut],
    summary="List occurrences",
)
def list_occurrences(
    request: ApiRequest, schedule_id: RowId, filters: Query[OccurrenceFilters], page: Query[PageQuery]
) -> Page[OccurrenceOut]:
    """Every planned time that has passed, the latest handled first; also of a schedule that is deleted."""
    schedule = schedule_in_reach(request, schedule_id, also_deleted=True)
    rows = Occurrence.objects.filter(schedule=schedule)
    if filters.state is not None:
        rows = rows.filter(state=filters.state)
    return page_of(rows, page, Order("occurrences", newest_first=True), OccurrenceOut.of)


@router.post(
    "/schedules/{schedule_id}/backfill",
    auth=ApiKeyAuth(Scope.SCHEDULES_WRITE),
    response=BackfillOut,
    summary="Backfill a schedule",
)
def backfill_schedule(request: ApiRequest, schedule_id: RowId, body: BackfillIn) -> BackfillOut:
    """Count and list the planned times of a range that never fired; with `dry_run` false, let them fire.

    409 when the schedule's params do not name the planned time, and while it is paused.
    """
    schedule = schedule_in_reach(request, schedule_id)
    if body.dry_run:
        plan = plan_backfill(schedule=schedule, begin=body.begin, end=body.end)
    else:
        plan = backfill(schedule=schedule, begin=body.begin, end=body.end, actor=actor_of(request))
    return BackfillOut.of(plan, dry_run=body.dry_run)
