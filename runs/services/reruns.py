"""Reruns: a new run with the same request, perhaps with other params, that knows where it comes from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.db import transaction

from infra_shared.services import audit
from runs.errors import InvalidRequestError, WrongStateError
from runs.services.requests import Origin, RequestedRun, RunRequest, request_run
from runs.services.resuming import check_from_stage
from runs.states import Cause

if TYPE_CHECKING:
    from runs.models import Run


@transaction.atomic
def rerun(
    *,
    run: Run,
    origin: Origin,
    params: dict[str, Any] | None = None,
    evidence_level: str | None = None,
    priority: int | None = None,
    from_stage: str = "",
) -> RequestedRun:
    """Ask for a new run like `run`, with its params or the given ones, on the latest published version.

    `origin` says who asks; its cause becomes rerun. With `from_stage` the new run goes on where that stage began, with
    the same params. WrongStateError while the run has not ended; InvalidRequestError when it cannot begin with that
    stage; raises what `request_run` raises.
    """
    if not run.is_terminal:
        raise WrongStateError(
            f"The run is still {run.get_state_display().lower()}; wait for its end or cancel it first."
        )
    if from_stage:
        if params is not None and params != run.params:
            raise InvalidRequestError(
                "from_stage", "Stages that are not done again cannot have other params; begin with the first."
            )
        check_from_stage(run=run, stage=from_stage)
    requested = request_run(
        request=RunRequest(
            automation=run.automation.key,
            params=run.params if params is None else params,
            customer=run.customer.key,
            evidence_level=evidence_level or run.evidence_level,
            priority=run.priority if priority is None else priority,
            from_stage=from_stage,
        ),
        origin=replace(origin, cause=Cause.RERUN, cause_ref=str(run.pk), rerun_of=run),
    )
    if requested.created:
        audit.record(
            actor=origin.actor,
            action="run.rerun",
            object_kind="run",
            object_id=str(run.pk),
            customer=run.customer.key,
            details={
                "new_run": str(requested.run.pk),
                "params_changed": params is not None,
                "from_stage": from_stage,
            },
        )
    return requested
