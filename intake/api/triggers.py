"""Endpoints: triggers, and trying one out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from ninja import Query, Router, Status

from automations.errors import FieldProblem
from automations.models import Automation, AutomationVersion
from infra_shared.api.auth import ApiKeyAuth, ApiRequest, actor_of
from infra_shared.api.input import RowId
from infra_shared.api.pages import Order, Page, PageQuery, page_of
from infra_shared.api.problems import NotFoundError
from infra_shared.scopes import Scope
from intake.api.reach import source_in_reach, trigger_in_reach, triggers_in_reach
from intake.errors import IntakeInvalidError
from intake.schemas import TrialOut, TrialsOut, TriggerChange, TriggerIn, TriggerOut
from intake.services import triggers
from intake.services.triggers import TriggerInput, input_of

router = Router(tags=["Triggers"])
READ, WRITE = ApiKeyAuth(Scope.SOURCES_READ), ApiKeyAuth(Scope.SOURCES_WRITE)


@router.get("/triggers", auth=READ, response=Page[TriggerOut], summary="List triggers")
def list_triggers(request: ApiRequest, page: Query[PageQuery]) -> Page[TriggerOut]:
    """The triggers of the customers within reach, oldest first."""
    return page_of(triggers_in_reach(request), page, Order("triggers"), TriggerOut.of)


@router.post("/triggers", auth=WRITE, response={201: TriggerOut}, summary="Create a trigger")
def create_trigger(request: ApiRequest, response: HttpResponse, body: TriggerIn) -> Status[TriggerOut]:
    """Make a trigger, which meets the events that come from now on."""
    trigger = triggers.create_trigger(wanted=_wanted(request, body), actor=actor_of(request))
    response["Location"] = reverse("api-v1:get_trigger", kwargs={"trigger_id": trigger.pk})
    return Status(201, TriggerOut.of(trigger))


@router.post("/triggers/try", auth=WRITE, response=TrialsOut, summary="Try a trigger out")
def try_trigger(request: ApiRequest, body: TriggerIn) -> TrialsOut:
    """Say what a trigger would make of the latest events of its source; nothing is written and nothing is started."""
    trials = triggers.try_trigger(wanted=_wanted(request, body))
    return TrialsOut(items=[TrialOut.of(trial) for trial in trials])


@router.get("/triggers/{trigger_id}", auth=READ, response=TriggerOut, summary="Get a trigger")
def get_trigger(request: ApiRequest, trigger_id: RowId) -> TriggerOut:
    """One trigger."""
    return TriggerOut.of(trigger_in_reach(request, trigger_id))


@router.patch("/triggers/{trigger_id}", auth=WRITE, response=TriggerOut, summary="Change a trigger")
def change_trigger(request: ApiRequest, trigger_id: RowId, body: TriggerChange) -> TriggerOut:
    """Change what is sent; events that were routed before stay as they are."""
    trigger = trigger_in_reach(request, trigger_id)
    changes: dict[str, Any] = body.model_dump(exclude_unset=True)
    if "automation" in changes:
        changes["automation"] = _automation(changes["automation"])
    if "pinned_version" in changes:
        automation = changes.get("automation", trigger.automation)
        changes["pinned_version"] = _version(automation, changes["pinned_version"])
    wanted = replace(input_of(trigger), **changes)
    triggers.change_trigger(trigger=trigger, wanted=wanted, actor=actor_of(request))
    return TriggerOut.of(trigger_in_reach(request, trigger_id))


@router.delete("/triggers/{trigger_id}", auth=WRITE, response={204: None}, summary="Delete a trigger")
def delete_trigger(request: ApiRequest, trigger_id: RowId) -> Status[None]:
    """End a trigger for good. Its matches and their runs stay."""
    triggers.delete_trigger(trigger=trigger_in_reach(request, trigger_id), actor=actor_of(request))
    return Status(204, None)


def _wanted(request: ApiRequest, body: TriggerIn) -> TriggerInput:
    automation = _automation(body.automation)
    return TriggerInput(
        source=source_in_reach(request, body.source),
        automation=automation,
        pinned_version=_version(automation, body.pinned_version),
        **body.model_dump(exclude={"source", "automation", "pinned_version"}),
    )


def _automation(key: str) -> Automation:
    rows = Automation.objects.runnable().select_related("latest_version__automation")
    automation = rows.filter(key=key).first()
    if automation is None:
        raise NotFoundError(f"There is no automation {key!r} that can be run.")
    return automation


def _version(automation: Automation, number: int | None) -> AutomationVersion | None:
    if number is None:
        return None
    version = AutomationVersion.objects.filter(automation=automation, number=number).first()
    if version is None:
        message = f"{automation.key} has no version {number}."
        raise IntakeInvalidError([FieldProblem("pinned_version", message)])
    return version
