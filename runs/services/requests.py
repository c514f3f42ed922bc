"""Asking for a run: the row and its first attempt exist before anything else happens."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import IntegrityError, transaction

from automations.errors import FieldProblem, ParamsInvalidError
from automations.models import DEFAULT_CUSTOMER, Automation, AutomationVersion, Customer
from automations.services.params import checked_params, refuse_secrets, secret_params_of
from infra_shared.database import database_now
from infra_shared.logging import hiding_in_logs
from infra_shared.services import audit
from runs import lifecycle
from runs.errors import (
    IdempotencyConflictError,
    InvalidRequestError,
    UnknownAutomationError,
    UnknownCustomerError,
)
from runs.models import Run
from runs.services.demands import demands_of, keep_demands
from runs.services.inputs import chosen_inputs, keep_inputs
from runs.services.request_digests import digests_of
from runs.services.run_secrets import keep_secrets
from runs.states import Cause, RunState
from webgraph.recorder import EvidenceLevel
from webgraph.secret_values import hiding

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from datetime import datetime

    from automations.services.params import CheckedParams
    from infra_shared.models import Caller

MAX_IDEMPOTENCY_KEY = 255
_NOT_DECLARED = "The automation declares no such secret param."
_UNATTENDED = frozenset({Cause.SCHEDULE, Cause.EVENT})
"""What starts by itself, with nobody there to type a secret."""
_BY_A_PERSON = frozenset({Cause.OPERATOR, Cause.COMMAND})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What somebody asks for. `version` None: the latest published; `due_at` None: now.

    Secret params may stand among `params`; those in `secret_params` must be secret in the version that will run.
    """

    automation: str
    params: dict[str, Any] = field(default_factory=dict, repr=False)
    secret_params: dict[str, Any] = field(default_factory=dict, repr=False)
    customer: str = DEFAULT_CUSTOMER
    evidence_level: str | None = None
    version: AutomationVersion | None = None
    due_at: datetime | None = None
    priority: int = 0
    from_stage: str = ""
    """The stage a rerun begins with; empty: the first."""

    @property
    def whole_params(self) -> dict[str, Any]:
        """All params that were given, secrets in plain."""
        return self.params | self.secret_params


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who asks and why. `actor` is for logs ("operator:anna"), `caller` the owner of an API key."""

    cause: Cause
    actor: str
    cause_ref: str = ""
    caller: Caller | None = None
    idempotency_key: str | None = None
    rerun_of: Run | None = None


@dataclass(frozen=True, slots=True)
class RequestedRun:
    """The run, and whether this request made it (False: the same request had made it before)."""

    run: Run
    created: bool


def request_run(*, request: RunRequest, origin: Origin) -> RequestedRun:
    """Write a run and its first attempt in one transaction and return them.

    Raises UnknownAutomationError, UnknownCustomerError, ParamsInvalidError or InvalidRequestError, each before any
    row is written, and IdempotencyConflictError when the caller used the key before for another request.
    """
    repeated = _repeated(request, origin)
    if repeated is not None:
        return repeated
    version = _version(request)
    with _hiding_secrets(version, request):
        return _written(request, origin, version)


def _written(request: RunRequest, origin: Origin, version: AutomationVersion) -> RequestedRun:
    params = _params(request, origin, version)
    facts = _facts(request, origin, version, params.shown)
    inputs = chosen_inputs(
        version=version, params=params.shown, customer=facts["customer"], rerun_of=origin.rerun_of
    )
    demands = demands_of(version=version, params=params.whole, customer=facts["customer"].key)
    try:
        with transaction.atomic():
            run = _open(facts, origin, request.due_at)
            keep_demands(run=run, demands=demands)
            keep_inputs(run=run, inputs=inputs, now=run.created_at)
            keep_secrets(run=run, secrets=params.secrets)
            _note(run, origin)
    except IntegrityError:
        repeated = _repeated(request, origin)  # the same key arrived twice at the same moment
        if repeated is None:
            raise
        return repeated
    return RequestedRun(run, created=True)


def _note(run: Run, origin: Origin) -> None:
    """A line of the audit log where a person asked; of all else the run itself and its transitions say who it was."""
    if origin.cause in _BY_A_PERSON:
        audit.record(
            actor=origin.actor,
            action="run.request",
            object_kind="run",
            object_id=run.pk,
            customer=run.customer.key,
            details={"automation": run.automation.key},
        )


def _params(request: RunRequest, origin: Origin, version: AutomationVersion) -> CheckedParams:
    """The params, checked against the version that will run them."""
    if origin.cause in _UNATTENDED:
        refuse_secrets(version=version, params=request.whole_params)
    open_here = sorted(request.secret_params.keys() - secret_params_of(version))
    if open_here:
        raise ParamsInvalidError([FieldProblem(name, _NOT_DECLARED) for name in open_here])
    return checked_params(version=version, params=request.whole_params)


def _hiding_secrets(version: AutomationVersion, request: RunRequest) -> AbstractContextManager[None]:
    """Keeps secret params out of the log, whatever is logged while they are in memory here."""
    hidden = hiding(version.params_schema, request.whole_params)
    return hiding_in_logs(hidden) if hidden else nullcontext()


def _facts(
    request: RunRequest, origin: Origin, version: AutomationVersion, params: dict[str, Any]
) -> dict[str, Any]:
    """The columns of the new run, checked; raises before anything is written."""
    return {
        "automation": version.automation,
        "version": version,
        "customer": _customer(request.customer),
        "params": params,
        "queue": version.option("queue"),
        "priority": request.priority,
        "max_attempts": version.option("max_attempts"),
        "evidence_level": _evidence_level(request, version).value,
        "from_stage": request.from_stage,
        "cause": origin.cause,
        "cause_ref": origin.cause_ref,
        "requested_by": origin.actor,
        "caller": origin.caller,
        "idempotency_key": origin.idempotency_key,
        "request_digest": next(digests_of(_asked(request, origin), version=version)),
        "rerun_of": origin.rerun_of,
        "root_id": (origin.rerun_of.root_id or origin.rerun_of.pk) if origin.rerun_of else None,
    }


def _open(facts: dict[str, Any], origin: Origin, wanted_at: datetime | None) -> Run:
    now = database_now()
    due_at = max(wanted_at or now, now)
    reason = _reason(origin)
    run = lifecycle.open_run(
        state=RunState.SCHEDULED if due_at > now else RunState.QUEUED,
        actor=origin.actor,
        reason=reason,
        now=now,
        expires_at=due_at + settings.QUEUE_TIMEOUT,
        **facts,
    )
    lifecycle.open_attempt(run=run, number=1, due_at=due_at, actor=origin.actor, reason=reason, now=now)
    return run


def _repeated(request: RunRequest, origin: Origin) -> RequestedRun | None:
    key = origin.idempotency_key
    if key is None or origin.caller is None:
        return None
    if not key or len(key) > MAX_IDEMPOTENCY_KEY:
        raise InvalidRequestError("Idempotency-Key", f"Use 1 to {MAX_IDEMPOTENCY_KEY} characters.")
    rows = Run.objects.select_related("version")
    earlier = rows.filter(caller=origin.caller, idempotency_key=key).first()
    if earlier is None:
        return None
    same = digests_of(_asked(request, origin), version=earlier.version)
    if earlier.request_digest not in same:
        raise IdempotencyConflictError(
            f"The idempotency key {key!r} was used for another request (run {earlier.pk}). Use a new key."
        )
    return RequestedRun(earlier, created=False)


def _version(request: RunRequest) -> AutomationVersion:
    if request.version is not None:
        return request.version
    automation = (
        Automation.objects.runnable()
        .filter(key=request.automation)
        .select_related("latest_version__automation")
        .first()
    )
    if automation is None or automation.latest_version is None:
        raise UnknownAutomationError(f"There is no automation {request.automation!r} that can be run.")
    return automation.latest_version


def _customer(key: str) -> Customer:
    customer = Customer.objects.filter(key=key).first()
    if customer is None:
        raise UnknownCustomerError(f"There is no customer {key!r}.")
    return customer


def _evidence_level(request: RunRequest, version: AutomationVersion) -> EvidenceLevel:
    wanted = request.evidence_level or version.option("evidence")
    try:
        return EvidenceLevel(wanted)
    except ValueError as error:
        known = ", ".join(level.value for level in EvidenceLevel)
        raise InvalidRequestError("evidence_level", f"{wanted!r} is not one of {known}.") from error


def _asked(request: RunRequest, origin: Origin) -> dict[str, Any]:
    """Everything that makes two requests the same, secrets in plain."""
    return {
        "automation": request.automation,
        "params": request.whole_params,
        "customer": request.customer,
        "evidence_level": request.evidence_level,
        "version": request.version.pk if request.version else None,
        "due_at": request.due_at.isoformat() if request.due_at else None,
        "priority": request.priority,
        "from_stage": request.from_stage,
        "rerun_of": origin.rerun_of.pk if origin.rerun_of else None,
    }


def _reason(origin: Origin) -> str:
    label = Cause(origin.cause).label.lower()
    return f"requested by {label} {origin.cause_ref}".strip()
