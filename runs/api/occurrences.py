"""Endpoints: what became of a schedule's planned times."""

from __future__ import annotations

from ninja import Query, Router

from automations.api import schedule_in_reach
from infra_shared.api.auth import ApiKeyAuth, ApiRequest
from infra_shared.api.input import RowId
from infra_shared.api.pages import Order, Page, PageQuery, page_of
from infra_shared.scopes import Scope
from runs.models import Occurrence
from runs.schemas import OccurrenceOut

router = Router(tags=["Schedules"])


@router.get(
    "/schedules/{schedule_id}/occurrences",
    auth=ApiKeyAuth(Scope.SCHEDULES_READ),
    response=Page[OccurrenceOut],
    summary="List occurrences",
)
def list_occurrences(request: ApiRequest, schedule_id: RowId, page: Query[PageQuery]) -> Page[OccurrenceOut]:
    """Every planned time that has passed, the latest handled first."""
    rows = Occurrence.objects.filter(schedule=schedule_in_reach(request, schedule_id))
    return page_of(rows, page, Order("occurrences", newest_first=True), OccurrenceOut.of)
