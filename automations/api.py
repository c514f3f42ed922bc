"""Endpoints: what can run, and when it will."""

from __future__ import annotations

from ninja import Query, Router

from automations.models import Automation, Schedule, ScheduleQuerySet
from automations.schemas import AutomationDetailOut, AutomationOut, ScheduleOut
from infra_shared.api.auth import ApiKeyAuth, ApiRequest
from infra_shared.api.input import RowId, Text
from infra_shared.api.pages import Order, Page, PageQuery, page_of
from infra_shared.api.problems import NotFoundError
from infra_shared.models.caller import ALL
from infra_shared.scopes import Scope

router = Router()


@router.get(
    "/automations",
    auth=ApiKeyAuth(Scope.AUTOMATIONS_READ),
    response=Page[AutomationOut],
    summary="List automations",
    tags=["Automations"],
)
def list_automations(request: ApiRequest, page: Query[PageQuery]) -> Page[AutomationOut]:
    """All automations, by key. Automations belong to no customer: every key with the scope sees them."""
    rows = Automation.objects.that_run().select_related("latest_version")
    return page_of(rows, page, Order("automations", "key"), AutomationOut.of)


@router.get(
    "/automations/{key}",
    auth=ApiKeyAuth(Scope.AUTOMATIONS_READ),
    response=AutomationDetailOut,
    summary="Get an automation",
    tags=["Automations"],
)
def get_automation(request: ApiRequest, key: Text) -> AutomationDetailOut:
    """One automation: what its runs take and return, its stages with their effect, options and versions."""
    automation = Automation.objects.that_run().select_related("latest_version").filter(key=key).first()
    if automation is None:
        raise NotFoundError(f"There is no automation {key!r}.")
    return AutomationDetailOut.of(automation)


@router.get(
    "/schedules",
    auth=ApiKeyAuth(Scope.SCHEDULES_READ),
    response=Page[ScheduleOut],
    summary="List schedules",
    tags=["Schedules"],
)
def list_schedules(request: ApiRequest, page: Query[PageQuery]) -> Page[ScheduleOut]:
    """The schedules of the customers within reach, oldest first."""
    return page_of(schedules_in_reach(request), page, Order("schedules"), ScheduleOut.of)


@router.get(
    "/schedules/{schedule_id}",
    auth=ApiKeyAuth(Scope.SCHEDULES_READ),
    response=ScheduleOut,
    summary="Get a schedule",
    tags=["Schedules"],
)
def get_schedule(request: ApiRequest, schedule_id: RowId) -> ScheduleOut:
    """One schedule with its time rule and the next time it fires."""
    return ScheduleOut.of(schedule_in_reach(request, schedule_id))


def schedule_in_reach(request: ApiRequest, schedule_id: int) -> Schedule:
    """The schedule, or NotFoundError when there is none or it is another customer's."""
    schedule = schedules_in_reach(request).filter(pk=schedule_id).first()
    if schedule is None:
        raise NotFoundError(f"There is no schedule {schedule_id}.")
    return schedule


def schedules_in_reach(request: ApiRequest) -> ScheduleQuerySet:
    """The schedules of the customers the key reaches."""
    rows = Schedule.objects.select_related("automation", "customer", "pinned_version")
    customers = request.auth.caller.customers
    return rows if ALL in customers else rows.filter(customer__key__in=customers)
