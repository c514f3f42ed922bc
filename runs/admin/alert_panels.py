"""What the overview says about alerts: which are open, and whether they arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.urls import reverse

from infra_shared.models import Alert
from infra_shared.overview import Panel, register
from infra_shared.reach import customers_of
from infra_shared.services.alert_channels import canary_states
from runs.admin.alerts import state_of

if TYPE_CHECKING:
    from django.http import HttpRequest

SHOWN = 8


def _open(request: HttpRequest) -> dict[str, Any]:
    rows = Alert.objects.open().for_customers(customers_of(request.user))[:SHOWN]
    return {
        "alerts": [(row, state_of(row)) for row in rows],
        "more_url": f"{reverse('admin:infra_shared_alert_changelist')}?closed_at__isempty=1",
    }


def _canaries(_request: HttpRequest) -> dict[str, Any]:
    return {"canaries": canary_states(), "more_url": reverse("admin:infra_shared_alertchannel_changelist")}


register(
    Panel(
        title="Open alerts",
        template="review/panels/alerts.html",
        facts=_open,
        permission="infra_shared.view_alert",
        order=25,
    )
)
register(
    Panel(
        title="Do alerts arrive?",
        template="review/panels/canaries.html",
        facts=_canaries,
        permission="infra_shared.view_alertchannel",
        order=55,
        need_full_reach=True,
    )
)
