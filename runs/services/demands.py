"""What a run counts against: its automation, its customer, its sites, and the keys its automation computes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from automations.services.registry import code_for
from infra_shared.sessions.rules import SessionKey
from runs.errors import InvalidRequestError
from runs.limit_keys import Kind, normal
from runs.models import Demand, Limit
from webgraph.secret_values import hiding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from automations.models import AutomationVersion
    from runs.models import Run
    from webgraph.flow import Automation

_log = structlog.get_logger(__name__)


def demands_of(
    *, version: AutomationVersion, params: Mapping[str, Any], customer: str = ""
) -> dict[str, int | None]:
    """The sites and named keys that a run with these params (secrets in plain) counts against, with its declared limits.

    Where this process has no code for the version, what the automation would compute is not known: the sites it lists
    are all there is. Without a `customer` the session it shares is left out. InvalidRequestError when the automation cannot say.
    """
    code, hidden = code_for(version), hiding(version.params_schema, params)
    if code is None:
        _log.warning("demands_not_computed", version=str(version))
        return {Kind.SITE.of(site): None for site in version.options.get("sites", ())}
    try:
        demands = _computed(code, params, customer)
    except Exception as error:  # noqa: BLE001 - see below; without its cause, whose text may hold a secret
        # Whatever the automation's own code raises: it is told to who asked for the run.
        reason = hidden.text(f"{type(error).__name__}: {error}")
        words = f"The automation cannot say what this run counts against: {reason}"
        raise InvalidRequestError("params", words) from None
    if any(hidden.contains(key) for key in demands):
        raise InvalidRequestError(
            "params",
            "The automation counts its runs by a secret param, and what is counted is shown to everybody.",
        )
    return demands


def keep_demands(*, run: Run, demands: Mapping[str, int | None]) -> None:
    """Write what a new run counts against, in the transaction that makes it."""
    if demands:
        Demand.objects.bulk_create(Demand(run=run, key=key, most=most) for key, most in demands.items())


def declared_limits(run: Run) -> dict[str, int | None]:
    """Every key a run counts against, with the limit that its automation declares; None where it declares none."""
    own = Kind.AUTOMATION.of(run.version.automation.key)
    return {
        own: run.version.options.get("max_concurrent") or None,
        Kind.CUSTOMER.of(run.customer.key): None,
        **{demand.key: demand.most for demand in run.demands.all()},
    }


def sites_of(run: Run) -> list[str]:
    """The keys of the sites that a run works on."""
    return sorted(demand.key for demand in run.demands.all() if demand.key.startswith(Kind.SITE.of("")))


def limits_in_force(runs: Iterable[Run]) -> dict[str, Limit]:
    """What operators have said about anything these runs count against, by key; one query for all."""
    keys = {key for run in runs for key in declared_limits(run)}
    return {row.key: row for row in Limit.objects.filter(key__in=keys)}


def limits_of(run: Run, said: Mapping[str, Limit]) -> dict[str, int]:
    """The limits an attempt of this run counts against: key → how many may be held at once."""
    limits = {}
    for key, declared in declared_limits(run).items():
        row = said.get(key)
        most = row.most if row is not None and row.most is not None else declared
        if most is not None:
            limits[key] = most
    return limits


def session_key(code: type[Automation], params: Any, customer: str) -> SessionKey | None:
    """The session a run with these typed params uses; None where its automation declares none."""
    declared = code.session
    if declared is None:
        return None
    return SessionKey(customer, declared.site_for(params), declared.account_for(params))


def _computed(code: type[Automation], params: Mapping[str, Any], customer: str) -> dict[str, int | None]:
    given = code.Params.model_validate(params)
    demands: dict[str, int | None] = {normal(Kind.SITE.of(site)): None for site in code.sites_of(given)}
    for name, most in code.slot_keys(given).items():
        if most < 1:
            msg = f"the limit of {name!r} is {most}; it must be at least 1"
            raise ValueError(msg)
        demands[normal(Kind.KEY.of(name))] = most
    session = session_key(code, given, customer) if customer else None
    if session is not None:
        demands[normal(Kind.SESSION.of(session.name))] = None
    return demands
