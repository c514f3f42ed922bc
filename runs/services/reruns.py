"""Reruns: a new run with the same request, perhaps with other params, that knows where it comes from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.db import transaction

from automations.errors import FieldProblem, ParamsInvalidError
from automations.services.params import NOT_KEPT
from infra_shared.redaction import MASK
from infra_shared.services import audit
from runs.errors import InvalidRequestError, UnknownAutomationError, WrongStateError
from runs.models import RunImport
from runs.services.requests import Origin, RequestedRun, RunRequest, request_run
from runs.services.resuming import check_from_stage
from runs.services.run_secrets import hidden_params
from runs.states import Cause

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runs.models import Run


@transaction.atomic
def rerun(  # noqa: PLR0913 - by name, each one thing that a rerun may have otherwise
    *,
    run: Run,
    origin: Origin,
    params: dict[str, Any] | None = None,
    secret_params: dict[str, Any] | None = None,
    evidence_level: str | None = None,
    priority: int | None = None,
    from_stage: str = "",
) -> RequestedRun:
    """Ask for a new run like `run`, with its params or the given ones, on the latest published version.

    `origin` says who asks; its cause becomes rerun. Params that were secret are not kept: `secret_params` (or `params`)
    brings them again, else ParamsInvalidError names them. With `from_stage` the new run goes on where that stage began, with
    the same params. WrongStateError while the run has not ended; InvalidRequestError when it cannot begin with that
    stage; raises what `request_run` raises.
    """
    if not run.is_terminal:
        raise WrongStateError(
            f"The run is still {run.get_state_display().lower()}; wait for its end or cancel it first."
        )
    _refuse_imported(run)
    if from_stage:
        if params is not None and _shown(run, params) != run.params:
            raise InvalidRequestError(
                "from_stage", "Stages that are not done again cannot have other params; begin with the first."
            )
        check_from_stage(run=run, stage=from_stage)
    requested = request_run(
        request=RunRequest(
            automation=run.automation.key,
            params=_given(run, params, secret_params or {}),
            secret_params=secret_params or {},
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
                "params_changed": params is not None and _shown(run, params) != run.params,
                "from_stage": from_stage,
            },
        )
    return requested


def _refuse_imported(run: Run) -> None:
    """UnknownAutomationError where what an imported run ran is not here: another version would be another run."""
    if run.cause == Cause.IMPORT and run.automation.latest_version_id is None:
        about = RunImport.objects.get(run=run).about
        raise UnknownAutomationError(
            f"This run was imported, and version {about['version']} of the automation {about['automation']} is not installed "
            "here. Install it, and ask for a new run of it."
        )


def _given(run: Run, params: dict[str, Any] | None, secrets: Mapping[str, Any]) -> dict[str, Any]:
    """The params anew, or the run's own without its secrets; ParamsInvalidError names secrets that were not brought.

    ••• in the place of a secret is none, also where the version that will run takes any text there.
    """
    found = run.params if params is None else params
    unknown = [name for name in hidden_params(run) if found.get(name) == MASK]
    missing = [name for name in unknown if secrets.get(name) is None]
    if missing:
        raise ParamsInvalidError([FieldProblem(name, NOT_KEPT) for name in missing])
    return {name: value for name, value in found.items() if name not in unknown}


def _shown(run: Run, params: Mapping[str, Any]) -> dict[str, Any]:
    """Params as the run shows its own: a secret counts as the same, whatever it is now."""
    hidden = hidden_params(run)
    return {**params, **{name: run.params[name] for name in hidden}}
