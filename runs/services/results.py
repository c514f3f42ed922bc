"""Reading the result of a run, wherever it is kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from infra_shared.blobs.django_store import artifact_store
from infra_shared.blobs.protocol import BlobStorageError
from runs.errors import NoResultError, ResultPendingError
from runs.states import RunState

if TYPE_CHECKING:
    from runs.models import Run

_PIECE_BYTES = 1024 * 1024


def result_of(*, run: Run) -> dict[str, Any]:
    """The result as JSON, from the run's row or from its artifact.

    Raises ResultPendingError while the run has not ended, NoResultError when it ended without one, and what a blob
    store raises when the artifact's bytes cannot be read.
    """
    if run.result is not None:
        return dict(run.result)
    artifact = run.result_artifact
    if artifact is not None and artifact.blob is not None:
        with artifact_store().open(artifact.blob) as reader:
            body = b"".join(iter(lambda: reader.read(_PIECE_BYTES), b""))
        return dict(json.loads(body))
    if artifact is not None and artifact.is_quarantined:
        raise NoResultError(f"The result is quarantined and given to nobody. {artifact.quarantine_reason}")
    if artifact is not None and artifact.is_waiting:
        raise BlobStorageError(f"The result cannot be read yet. {artifact.missing_reason}")
    if artifact is not None:
        raise NoResultError(f"The result was not kept. {artifact.missing_reason}")
    state = run.get_state_display().lower()
    if run.state == RunState.SUCCEEDED and run.evidence_removed_at is not None:
        raise NoResultError(
            f"There is no result any more, if there was one: files of this run were removed on "
            f"{run.evidence_removed_at:%Y-%m-%d}, as a rule of retention or a quota says."
        )
    if run.is_terminal:
        raise NoResultError(f"The run ended without a result: {state}.")
    raise ResultPendingError(f"There is no result yet: the run is {state}. Ask again when it has ended.")
