"""Where a worker's evidence goes while the store is away: into the spool of its node, as it may lie on a disk."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from infra_shared import clock
from infra_shared.blobs.protocol import BlobStorageError
from infra_shared.ids import uuid7
from infra_shared.services.spools import host_name
from runs.services.spooled import Waiting

if TYPE_CHECKING:
    from pathlib import Path

    from infra_shared.blobs.protocol import BlobInfo, BlobStore
    from infra_shared.blobs.spool import SpoolFolder
    from infra_shared.redaction import Redactor
    from runs.evidence_gate import EvidenceGate
    from runs.models import Attempt
    from webgraph.recorder import Evidence

TEXT_TYPES = ("text/", "application/json", "application/x-ndjson", "application/xml")
PAUSE_SECONDS = 20.0


def is_text(item: Evidence) -> bool:
    """Whether the bytes are worth compressing."""
    return item.content_type.startswith(TEXT_TYPES)


class PausedStore:
    """A store that is not asked again for a while after it failed.

    A store that is away answers each time only after its timeouts: an attempt with a hundred pictures would wait a
    hundred times for the same answer.
    """

    def __init__(self, store: BlobStore, *, pause_seconds: float = PAUSE_SECONDS) -> None:
        self._store = store
        self._pause_seconds = pause_seconds
        self._failure: BlobStorageError | None = None
        self._again_at = 0.0

    def put(self, source: bytes | Path, *, text: bool) -> BlobInfo:
        """Keep the bytes; raises BlobStorageError, at once while the store is left alone."""
        if self._failure is not None and clock.monotonic() < self._again_at:
            raise BlobStorageError(self._failure.reason) from self._failure
        try:
            info = self._store.put(source, text=text)
        except BlobStorageError as error:
            self._failure = error
            self._again_at = clock.monotonic() + self._pause_seconds
            raise
        self._failure = None
        return info


class EvidenceSpool:
    """The spool of this node, for the evidence of one attempt."""

    def __init__(self, folder: SpoolFolder, gate: EvidenceGate, redactor: Redactor | None) -> None:
        self._folder = folder
        self._gate = gate
        self._redactor = redactor

    def keep(self, item: Evidence, *, attempt: Attempt, step_id: int | None) -> Waiting:
        """Put the bytes into the spool, sealed where they hold a secret; raises SpoolError when it does not take them.

        What the row needs lies beside the bytes: should this process die before it wrote the row, who delivers them
        writes it.
        """
        body, leak = self._gate.passed(item.body, name=item.name)
        if leak is not None and self._redactor is not None:
            item = replace(item, name=self._redactor.text(item.name))
        waiting = Waiting(
            artifact_id=uuid7(),
            spool_id=self._folder.id,
            node_name=host_name(),
            run_id=attempt.run_id,
            attempt_id=attempt.pk,
            step_id=step_id,
            stage=item.stage,
            kind=item.kind.value,
            name=item.name,
            content_type=item.content_type,
            size_bytes=len(item.body),
            meta=item.meta,
            captured_at=item.captured_at,
            quarantine_reason=leak.reason if leak is not None else "",
        )
        text = is_text(item) and leak is None
        self._folder.keep(waiting.artifact_id, body, text=text, facts=waiting.as_facts())
        return waiting
