"""What a key can reach: everything else answers as if it were not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra_shared.api.problems import NotFoundError
from runs.models import Artifact, Run, RunQuerySet

if TYPE_CHECKING:
    from uuid import UUID

    from infra_shared.api.auth import ApiRequest


def runs_in_reach(request: ApiRequest) -> RunQuerySet:
    """The runs of the customers the key reaches, with what an answer names."""
    rows = Run.objects.select_related("automation", "version", "customer")
    return rows.for_customers(request.auth.caller.customers)


def run_in_reach(request: ApiRequest, run_id: UUID) -> Run:
    """The run, or NotFoundError when there is none or it is another customer's."""
    run = runs_in_reach(request).filter(pk=run_id).first()
    if run is None:
        raise NotFoundError(f"There is no run {run_id}.")
    return run


def artifact_in_reach(request: ApiRequest, artifact_id: UUID) -> Artifact:
    """The artifact with its blob, or NotFoundError when there is none or it is another customer's."""
    rows = Artifact.objects.select_related("attempt", "step", "blob", "run__customer")
    artifact = rows.filter(pk=artifact_id).first()
    if artifact is None or not request.auth.caller.reaches(artifact.run.customer.key):
        raise NotFoundError(f"There is no artifact {artifact_id}.")
    return artifact
