"""Endpoints: schedules. What became of their times, and filling in, is `runs.api.occurrences`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from ninja import Query, Router, Schema, Status
from pydantic import Field

from automations.api.schedule_schemas import (
    PauseIn,
    PreviewOut,
    ScheduleChange,
    ScheduleIn,
    ScheduleOut,
)
from automations.errors import FieldProblem, ScheduleInvalidError
from automations.models import Automation, AutomationVersion, Customer, Schedule, ScheduleQuerySet
from automations.services import schedules
from automations.services.schedule_input import ScheduleInput, input_of
from infra_shared.api.auth import ApiKeyAuth, ApiRequest, actor_of
from infra_shared.api.input import RowId
from infra_shared.api.pages import Order, Page, PageQuery, page_of
from infra_shared.api.problems import NotFoundError
from infra_shared.database import database_now
from infra_shared.models.caller import ALL
from infra_shared.scopes import Scope

router = Router(tags=["Schedules"])
READ, WRITE = ApiKeyAuth(Scope.SCHEDULES_READ), ApiKeyAuth(Scope.SCHEDULES_WRITE)


class PreviewQuery(Schema):
    """How far to look."""

    count: int = Field(20, ge=1, le=200, description="How many planned times.")


@router.get("/schedules", auth=READ, response=Page[ScheduleOut], summary="List schedules")
def list_schedules(request: ApiRequest, page: Query[PageQuery]) -> Page[ScheduleOut]:
    """The schedules of the customers within reach, oldest first."""
    rows = schedules_in_reach(request).present()
    return page_of(rows, page, Order("schedules"), ScheduleOut.of)


@router.post("/schedules", auth=WRITE, response={201: ScheduleOut}, summary="Create a schedule")
def create_schedule(request: ApiRequest, response: HttpResponse, body: ScheduleIn) -> Status[ScheduleOut]:
    """Make a schedule, planned from now on. `Location` says where it is."""
    said = body.model_dump(exclude={"automation", "pinned_version", "customer"})
    automation = _automation(body.automation)
    wanted = ScheduleInput(
        automation=automation,
        customer=_customer(request, body.customer),
        pinned_version=_version(automation, body.pinned_version),
        **said,
    )
    schedule = schedules.create_schedule(wanted=wanted, actor=actor_of(request))
    response["Location"] = reverse("api-v1:get_schedule", kwargs={"schedule_id": schedule.pk})
    return Status(201, ScheduleOut.of(schedule))


@router.get("/schedules/{schedule_id}", auth=READ, response=ScheduleOut, summary="Get a schedule")
def get_schedule(request: ApiRequest, schedule_id: RowId) -> ScheduleOut:
    """One schedule with its time rule, its choices and the next time it fires."""
    return ScheduleOut.of(schedule_in_reach(request, schedule_id))


@router.patch("/schedules/{schedule_id}", auth=WRITE, response=ScheduleOut, summary="Change a schedule")
def change_schedule(request: ApiRequest, schedule_id: RowId, body: ScheduleChange) -> ScheduleOut:
    """Change what is sent. A changed time rule is planned from now on: nothing of the past fires."""
    schedule = schedule_in_reach(request, schedule_id)
    changes: dict[str, Any] = body.model_dump(exclude_unset=True)
    if "customer" in changes:
        changes["customer"] = _customer(request, changes["customer"])
    if "pinned_version" in changes:
        changes["pinned_version"] = _version(schedule.automation, changes["pinned_version"])
    wanted = replace(input_of(schedule), **changes)
    schedules.change_schedule(schedule=schedule, wanted=wanted, actor=actor_of(request))
    return ScheduleOut.of(schedule_in_reach(request, schedule_id))


@router.delete("/schedules/{schedule_id}", auth=WRITE, response={204: None}, summary="Delete a schedule")
def delete_schedule(request: ApiRequest, schedule_id: RowId) -> Status[None]:
    """End a schedule for good. Its occurrences and runs stay, and can still be read."""
    schedule = schedule_in_reach(request, schedule_id)
    schedules.delete_schedule(schedule=schedule, actor=actor_of(request))
    return Status(204, None)


@router.post("/schedules/{schedule_id}/pause", auth=WRITE, response=ScheduleOut, summary="Pause a schedule")
def pause_schedule(request: ApiRequest, schedule_id: RowId, body: PauseIn | None = None) -> ScheduleOut:
    """Stop it from firing until it is resumed; pausing again changes nothing."""
    schedule = schedule_in_reach(request, schedule_id)
    schedules.pause_schedule(schedule=schedule, reason=body.reason if body else "", actor=actor_of(request))
    return ScheduleOut.of(schedule_in_reach(request, schedule_id))


@router.post("/schedules/{schedule_id}/resume", auth=WRITE, response=ScheduleOut, summary="Resume a schedule")
def resume_schedule(request: ApiRequest, schedule_id: RowId) -> ScheduleOut:
    """Let it fire again, from now on; resuming one that is not paused changes nothing."""
    schedule = schedule_in_reach(request, schedule_id)
    schedules.resume_schedule(schedule=schedule, actor=actor_of(request))
    return ScheduleOut.of(schedule_in_reach(request, schedule_id))


@router.get("/schedules/{schedule_id}/preview", auth=READ, response=PreviewOut, summary="Preview a schedule")
def preview_schedule(request: ApiRequest, schedule_id: RowId, query: Query[PreviewQuery]) -> PreviewOut:
    """The next planned times, and what it does at the next changes of clocks."""
    return PreviewOut.of(schedule_in_reach(request, schedule_id), database_now(), query.count)


def schedule_in_reach(request: ApiRequest, schedule_id: int, *, also_deleted: bool = False) -> Schedule:
    """The schedule, or NotFoundError when there is none, or it is deleted or another customer's."""
    rows = schedules_in_reach(request)
    schedule = (rows if also_deleted else rows.present()).filter(pk=schedule_id).first()
    if schedule is None:
        raise NotFoundError(f"There is no schedule {schedule_id}.")
    return schedule


def schedules_in_reach(request: ApiRequest) -> ScheduleQuerySet:
    """The schedules of the customers the key reaches, with those that are deleted."""
    rows = Schedule.objects.select_related("automation__latest_version", "customer", "pinned_version")
    customers = request.auth.caller.customers
    return rows if ALL in customers else rows.filter(customer__key__in=customers)


def _automation(key: str) -> Automation:
    rows = Automation.objects.runnable().select_related("latest_version__automation")
    automation = rows.filter(key=key).first()
    if automation is None:
        raise NotFoundError(f"There is no automation {key!r} that can be run.")
    return automation


def _customer(request: ApiRequest, key: str) -> Customer:
    customer = Customer.objects.filter(key=key).first()
    if customer is None or not request.auth.caller.reaches(key):
        raise NotFoundError(f"There is no customer {key!r}.")
    return customer


def _version(automation: Automation, number: int | None) -> AutomationVersion | None:
    if number is None:
        return None
    version = AutomationVersion.objects.filter(automation=automation, number=number).first()
    if version is None:
        message = f"{automation.key} has no version {number}."
        raise ScheduleInvalidError([FieldProblem("pinned_version", message)])
    return version
