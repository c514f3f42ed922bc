"""Endpoints: the pause switch."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from ninja import Query, Router, Schema, Status
from pydantic import ConfigDict, Field

from infra_shared.api.auth import ApiKeyAuth, ApiRequest, actor_of
from infra_shared.api.input import RowId, Text
from infra_shared.api.pages import Order, Page, PageQuery, page_of
from infra_shared.api.problems import NotFoundError
from infra_shared.models import ALL
from infra_shared.scopes import Scope
from runs.limit_keys import Kind
from runs.models import Pause
from runs.services.pauses import checked_scope, customer_of, pause, resume

router = Router(tags=["Pauses"])
READ, WRITE = ApiKeyAuth(Scope.PAUSES_READ), ApiKeyAuth(Scope.PAUSES_WRITE)


class PauseWanted(Schema):
    """What is to stand still, and why."""

    model_config = ConfigDict(extra="forbid")

    scope: Text = Field(
        max_length=255,
        description="`everything`, `automation:KEY`, `site:https://shop.example` or `customer:KEY`.",
    )
    reason: Text = Field(min_length=1, max_length=500, description="Shown on every page of the console.")


class PauseOut(Schema):
    """Something that stands still: due attempts wait, running ones finish."""

    id: int
    scope: str
    reason: str
    paused_by: str
    paused_at: datetime

    @classmethod
    def of(cls, row: Pause) -> PauseOut:
        """The item for a pause."""
        return cls(
            id=row.pk,
            scope=row.scope,
            reason=row.reason,
            paused_by=row.paused_by,
            paused_at=row.paused_at,
        )


@router.get("/pauses", auth=READ, response=Page[PauseOut], summary="List pauses")
def list_pauses(request: ApiRequest, page: Query[PageQuery]) -> Page[PauseOut]:
    """What stands still now, as far as it concerns the key's customers."""
    customers, rows = request.auth.caller.customers, Pause.objects.all()
    if ALL not in customers:
        own = [Kind.CUSTOMER.of(key) for key in customers]
        rows = rows.filter(~Q(scope__startswith=Kind.CUSTOMER.of("")) | Q(scope__in=own))
    return page_of(rows, page, Order("pauses"), PauseOut.of)


@router.post("/pauses", auth=WRITE, response={200: PauseOut, 201: PauseOut}, summary="Pause")
def begin_pause(request: ApiRequest, body: PauseWanted) -> Status[PauseOut]:
    """Let nothing new begin there. 200 when it stood still before, which changes nothing.

    A key of some customers pauses these alone.
    """
    _require_reach(request, checked_scope(body.scope))
    row, is_new = pause(scope=body.scope, reason=body.reason, actor=actor_of(request))
    return Status(201 if is_new else 200, PauseOut.of(row))


@router.delete("/pauses/{pause_id}", auth=WRITE, response={204: None}, summary="Resume")
def end_pause(request: ApiRequest, pause_id: RowId) -> Status[None]:
    """Let what waits begin. Each run that waited has its whole queue timeout again."""
    row = Pause.objects.filter(pk=pause_id).first()
    if row is None:
        raise NotFoundError(f"There is no pause {pause_id}.")
    _require_reach(request, row.scope)
    resume(scope=row.scope, actor=actor_of(request))
    return Status(204, None)


def _require_reach(request: ApiRequest, scope: str) -> None:
    caller, owner = request.auth.caller, customer_of(scope)
    if owner and not caller.reaches(owner):
        raise NotFoundError(f"There is no customer {owner!r}.")
    if not owner and ALL not in caller.customers:
        raise PermissionDenied("What concerns every customer needs a key that reaches every customer.")
