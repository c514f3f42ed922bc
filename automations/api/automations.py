"""Endpoints: what can run."""

from __future__ import annotations

from ninja import Query, Router

from automations.models import Automation
from automations.schemas import AutomationDetailOut, AutomationOut
from infra_shared.api.auth import ApiKeyAuth, ApiRequest
from infra_shared.api.input import Text
from infra_shared.api.pages import Order, Page, PageQuery, page_of
from infra_shared.api.problems import NotFoundError
from infra_shared.scopes import Scope

router = Router(tags=["Automations"])


@router.get(
    "/automations",
    auth=ApiKeyAuth(Scope.AUTOMATIONS_READ),
    response=Page[AutomationOut],
    summary="List automations",
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
)
def get_automation(request: ApiRequest, key: Text) -> AutomationDetailOut:
    """One automation: what its runs take and return, its stages with their effect, options and versions."""
    automation = Automation.objects.that_run().select_related("latest_version").filter(key=key).first()
    if automation is None:
        raise NotFoundError(f"There is no automation {key!r}.")
    return AutomationDetailOut.of(automation)
