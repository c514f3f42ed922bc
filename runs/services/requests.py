"""Asking for a run: the row and its first attempt exist before anything else happens."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import IntegrityError, transaction

from automations.models import DEFAULT_CUSTOMER, Automation, AutomationVersion, Customer
from automations.services.params import check_params
from infra_shared.database import database_now
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
from runs.states import Cause, RunState
from webgraph.recorder import EvidenceLevel

if TYPE_CHECKING:
    from datetime import datetime

    from infra_shared.models import Caller

MAX_IDEMPOTENCY_KEY = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What somebody asks for. `version` None: the latest published; `due_at` None: now."""

    automation: str
    params: dict[str, Any] = field(default_factory=dict)
    customer: str = DEFAULT_CUSTOMER
    evidence_level: str | None = None
    version: AutomationVersion | None = None
    due_at: datetime | None = None
    priority: int = 0
    from_stage: str = ""
    """The stage a rerun begins with; empty: the first."""


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
    digest = _digest(request, origin)
    repeated = _repeated(origin, digest)
    if repeated is not None:
        return repeated
    facts = _facts(request, origin, digest)
    inputs = chosen_inputs(
        version=facts["version"],
        params=facts["params"],
        customer=facts["customer"],
        rerun_of=origin.rerun_of,
    )
    demands = demands_of(version=facts["version"], params=facts["params"])
    try:
        with transaction.atomic():
            run = _open(facts, origin, request.due_at)
            keep_demands(run=run, demands=demands)
            keep_inputs(run=run, inputs=inputs, now=run.created_at)
    except IntegrityError:
        repeated = _repeated(origin, digest)  # the same key arrived twice at the same moment
        if repeated is None:
            raise
        return repeated
    return RequestedRun(run, created=True)


def _facts(request: RunRequest, origin: Origin, digest: str) -> dict[str, Any]:
    """The columns of the new run, checked; raises before anything is written."""
    version = _version(request)
    return {
        "automation": version.automation,
        "version": version,
        "customer": _customer(request.customer),
        "params": check_params(version=version, params=request.params),
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
        "request_digest": digest,
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


def _repeated(origin: Origin, digest: str) -> RequestedRun | None:
    key = origin.idempotency_key
    if key is None or origin.caller is None:
        return None
    if not key or len(key) > MAX_IDEMPOTENCY_KEY:
        raise InvalidRequestError("Idempotency-Key", f"Use 1 to {MAX_IDEMPOTENCY_KEY} characters.")
    earlier = Run.objects.filter(caller=origin.caller, idempotency_key=key).first()
    if earlier is None:
        return None
    if earlier.request_digest != digest:
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


def _digest(request: RunRequest, origin: Origin) -> str:
    asked = {
        "automation": request.automation,
        "params": request.params,
        "customer": request.customer,
        "evidence_level": request.evidence_level,
        "version": request.version.pk if request.version else None,
        "due_at": request.due_at.isoformat() if request.due_at else None,
        "priority": request.priority,
        "from_stage": request.from_stage,
        "rerun_of": origin.rerun_of.pk if origin.rerun_of else None,
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()


def _reason(origin: Origin) -> str:
    label = Cause(origin.cause).label.lower()
    return f"requested by {label} {origin.cause_ref}".strip()
