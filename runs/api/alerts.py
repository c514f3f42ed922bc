"""Endpoints: what needs somebody, taking it on, and telling nobody of it for a while."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import ConfigDict, Field

from infra_shared.api.auth import ApiKeyAuth, ApiRequest, actor_of
from infra_shared.api.input import RowId, Text
from infra_shared.api.pages import Order, Page, PageQuery, page_of
from infra_shared.api.problems import NotFoundError
from infra_shared.models import Alert, Severity
from infra_shared.moments import Moment
from infra_shared.scopes import Scope
from infra_shared.services import alerts
from infra_shared.services.alert_pages import alert_page
from runs.errors import InvalidRequestError, WrongStateError

router = Router(tags=["Alerts"])
READ, WRITE = ApiKeyAuth(Scope.ALERTS_READ), ApiKeyAuth(Scope.ALERTS_WRITE)


class AlertFilters(Schema):
    """Which alerts to list; all that are given must hold."""

    open: bool | None = Field(None, description="True: those that are not over; false: those that are.")
    severity: Severity | None = None
    rule: Text | None = Field(None, max_length=40, description="Such as `failure` or `schedule-late`.")
    customer: Text | None = Field(None, description="Key of the customer.")
    automation: Text | None = Field(None, description="Key of the automation.")


class AlertOut(Schema):
    """One thing that needs somebody, with its latest time of being wrong."""

    id: int
    rule: str = Field(description="What noticed it, such as `failure` or `queue`.")
    state: Literal["open", "acknowledged", "muted", "over"]
    severity: Severity
    title: str
    text: str
    advice: str = Field(description="What to do about it; empty where that depends.")
    customer: str = Field(description="Key of the customer; empty for what is the system's own.")
    automation: str = Field(description="Key of the automation; empty where it is about none.")
    count: int = Field(description="How often it was seen since it opened.")
    opened_at: datetime
    last_seen_at: datetime
    closed_at: datetime | None = Field(description="Null while it is open.")
    close_reason: str
    acknowledged_at: datetime | None
    acknowledged_by: str
    acknowledge_note: str
    muted_until: datetime | None = Field(
        description="Until when nobody is told of it, also when it opens anew."
    )
    muted_by: str
    mute_reason: str
    page_url: str = Field(description="Its page in the console.")

    @classmethod
    def of(cls, row: Alert) -> AlertOut:
        """The item for an alert."""
        names = cls.model_fields.keys() - {"state", "page_url"}
        stored: dict[str, Any] = {name: getattr(row, name) for name in names}
        return cls(**stored, state=row.state_at(timezone.now()), page_url=alert_page(row))


class AcknowledgeIn(Schema):
    """What the others should know."""

    model_config = ConfigDict(extra="forbid")

    note: Text = Field("", max_length=500, description="Shown beside the alert.")


class MuteIn(Schema):
    """Until when, and why."""

    model_config = ConfigDict(extra="forbid")

    until: Moment = Field(description="A moment ahead, with a UTC offset.")
    reason: Text = Field(min_length=1, max_length=500, description="Shown beside the alert.")


@router.get("/alerts", auth=READ, response=Page[AlertOut], summary="List alerts")
def list_alerts(request: ApiRequest, filters: Query[AlertFilters], page: Query[PageQuery]) -> Page[AlertOut]:
    """The alerts of the customers within reach, the one that first happened last before the others.

    Those of the system itself are for keys that reach every customer.
    """
    rows = Alert.objects.for_customers(request.auth.caller.customers)
    rows = rows.filter(**filters.model_dump(exclude={"open"}, exclude_none=True))
    if filters.open is not None:
        rows = rows.filter(closed_at__isnull=filters.open)
    return page_of(rows, page, Order("alerts", newest_first=True), AlertOut.of)


@router.get("/alerts/{alert_id}", auth=READ, response=AlertOut, summary="Get an alert")
def get_alert(request: ApiRequest, alert_id: RowId) -> AlertOut:
    """One alert as it stands now."""
    return AlertOut.of(_in_reach(request, alert_id))


@router.post("/alerts/{alert_id}/acknowledge", auth=WRITE, response=AlertOut, summary="Take an alert on")
def acknowledge_alert(request: ApiRequest, alert_id: RowId, body: AcknowledgeIn | None = None) -> AlertOut:
    """Say that somebody takes care of it, which ends its reminders; 409 when it is over or taken on already."""
    row = _in_reach(request, alert_id)
    note = body.note if body else ""
    if not alerts.acknowledge(alert_id=row.pk, note=note, actor=actor_of(request)):
        raise WrongStateError("The alert is over, or somebody has taken it on.")
    return AlertOut.of(_in_reach(request, alert_id))


@router.post("/alerts/{alert_id}/mute", auth=WRITE, response=AlertOut, summary="Mute an alert")
def mute_alert(request: ApiRequest, alert_id: RowId, body: MuteIn) -> AlertOut:
    """Tell nobody of it until then, also when it closes and opens anew."""
    row = _in_reach(request, alert_id)
    if body.until <= timezone.now():
        raise InvalidRequestError("until", "It must lie ahead.")
    alerts.mute(alert_id=row.pk, until=body.until, reason=body.reason, actor=actor_of(request))
    return AlertOut.of(_in_reach(request, alert_id))


@router.post("/alerts/{alert_id}/unmute", auth=WRITE, response=AlertOut, summary="Unmute an alert")
def unmute_alert(request: ApiRequest, alert_id: RowId) -> AlertOut:
    """Let it be told again, at once if it is open; nothing changes where it was not muted."""
    row = _in_reach(request, alert_id)
    alerts.unmute(alert_id=row.pk, actor=actor_of(request))
    return AlertOut.of(_in_reach(request, alert_id))


def _in_reach(request: ApiRequest, alert_id: int) -> Alert:
    row = Alert.objects.for_customers(request.auth.caller.customers).filter(pk=alert_id).first()
    if row is None:
        raise NotFoundError(f"There is no alert {alert_id}.")
    return row
