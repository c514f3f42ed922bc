"""The pause switch: nothing new begins for everything, one automation, one site or one customer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from automations.models import Automation, Customer
from infra_shared.database import database_now
from infra_shared.services import audit
from runs.errors import InvalidRequestError
from runs.limit_keys import Kind, normal, split
from runs.models import EVERYTHING, Demand, Pause, Run
from runs.states import WAITING_RUNS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet

_PAUSED = {Kind.AUTOMATION, Kind.SITE, Kind.CUSTOMER}
_SCOPES = "Write everything, automation:KEY, site:https://shop.example or customer:KEY."


def pause(*, scope: str, reason: str, actor: str) -> tuple[Pause, bool]:
    """Keep attempts of a scope from beginning; what runs already goes on. The pause, and whether this call made it.

    `scope` is EVERYTHING or a key of `runs.limit_keys`. InvalidRequestError when it names nothing, or no reason is given.
    """
    wanted = checked_scope(scope)
    if not reason.strip():
        raise InvalidRequestError("reason", "Say why: everybody who meets the pause will read it.")
    with transaction.atomic():
        row, is_new = Pause.objects.get_or_create(
            scope=wanted,
            defaults={"reason": reason.strip()[:500], "paused_by": actor, "paused_at": database_now()},
        )
        if is_new:
            _record("pause.begin", wanted, actor, reason)
    return row, is_new


@transaction.atomic
def resume(*, scope: str, actor: str, reason: str = "") -> bool:
    """Lift a pause; False when there was none.

    The time under it was nobody's fault: each run that waits in its scope has its whole queue timeout again.
    """
    if not Pause.objects.filter(scope=scope).delete()[0]:
        return False
    until = database_now() + settings.QUEUE_TIMEOUT
    waiting = Run.objects.filter(state__in=sorted(WAITING_RUNS), expires_at__lt=until)
    _within(waiting, scope).update(expires_at=until)
    _record("pause.end", scope, actor, reason)
    return True


def checked_scope(scope: str) -> str:
    """The one way to write a scope; InvalidRequestError when it names nothing that is there."""
    if scope == EVERYTHING:
        return scope
    if scope.partition(":")[0] not in _PAUSED:
        raise InvalidRequestError("scope", _SCOPES)
    try:
        key = normal(scope)
    except ValueError as error:
        raise InvalidRequestError("scope", str(error)) from error
    kind, name = split(key)
    if kind is Kind.AUTOMATION and not Automation.objects.filter(key=name).exists():
        raise InvalidRequestError("scope", f"There is no automation {name!r}.")
    if kind is Kind.CUSTOMER and not Customer.objects.filter(key=name).exists():
        raise InvalidRequestError("scope", f"There is no customer {name!r}.")
    return key


def customer_of(scope: str) -> str:
    """The key of the customer whose pause it is; empty for one that concerns everybody."""
    return scope.removeprefix(Kind.CUSTOMER.of("")) if scope.startswith(Kind.CUSTOMER.of("")) else ""


def seen_by(customers: Iterable[str], rows: Iterable[Pause]) -> list[Pause]:
    """The pauses that concern these customers: all but those of other customers. "*" sees all."""
    within = set(customers)
    return [row for row in rows if not (owner := customer_of(row.scope)) or within & {owner, "*"}]


def _within(rows: QuerySet[Run], scope: str) -> QuerySet[Run]:
    if scope == EVERYTHING:
        return rows
    kind, name = split(scope)
    if kind is Kind.AUTOMATION:
        return rows.filter(automation__key=name)
    if kind is Kind.CUSTOMER:
        return rows.filter(customer__key=name)
    return rows.filter(Exists(Demand.objects.filter(run=OuterRef("pk"), key=scope)))


def _record(action: str, scope: str, actor: str, reason: str) -> None:
    audit.record(
        actor=actor,
        action=action,
        object_kind="pause",
        object_id=scope[:100],
        customer=customer_of(scope),
        reason=reason,
    )
