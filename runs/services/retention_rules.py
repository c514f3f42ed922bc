"""What operators say about keeping: rules by kind of file and end of the run, and the policy they make up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from infra_shared.database import database_now
from infra_shared.services import audit
from runs.errors import InvalidRequestError
from runs.models import RetentionRule
from runs.retention_policy import KINDS, LEAST_RUN_DAYS, RUN, Outcome, Policy

if TYPE_CHECKING:
    from automations.models import Customer

MOST_DAYS = 36_500


def read_policy() -> Policy:
    """The defaults with every rule that was set, in one query."""
    rows = RetentionRule.objects.order_by().values_list("kind", "outcome", "customer_id", "keep_days")
    return Policy({(kind, outcome, customer): days for kind, outcome, customer, days in rows})


@transaction.atomic
def set_rule(
    *, kind: str, outcome: str, customer: Customer | None, keep_days: int | None, actor: str
) -> RetentionRule:
    """Say how many days a kind is kept after runs that ended so; None: a file as long as its run, a run for ever.

    It counts from the next sweep on; what is gone stays gone. InvalidRequestError names the field that does not fit.
    """
    if kind not in KINDS:
        raise InvalidRequestError("kind", f"{kind!r} is not one of {', '.join(KINDS)}.")
    if outcome not in list(Outcome):
        raise InvalidRequestError("outcome", f"{outcome!r} is not one of {', '.join(Outcome)}.")
    if keep_days is not None and not 1 <= keep_days <= MOST_DAYS:
        raise InvalidRequestError("keep_days", f"From 1 to {MOST_DAYS} days.")
    if kind == RUN and keep_days is not None and keep_days < LEAST_RUN_DAYS:
        raise InvalidRequestError(
            "keep_days", f"Runs stay {LEAST_RUN_DAYS} days or more: callers may repeat a request so long."
        )
    facts = {"keep_days": keep_days, "set_by": actor, "set_at": database_now()}
    row, _ = RetentionRule.objects.update_or_create(
        kind=kind, outcome=outcome, customer=customer, defaults=facts
    )
    _record("retention.set", row, actor)
    return row


@transaction.atomic
def remove_rule(*, rule: RetentionRule, actor: str) -> None:
    """Let the rule for all customers, or the default, count again."""
    _record("retention.remove", rule, actor)
    rule.delete()


def _record(action: str, rule: RetentionRule, actor: str) -> None:
    audit.record(
        actor=actor,
        action=action,
        object_kind="retention",
        object_id=f"{rule.kind}/{rule.outcome}",
        customer=rule.customer.key if rule.customer is not None else "",
        details={"keep_days": rule.keep_days},
    )
