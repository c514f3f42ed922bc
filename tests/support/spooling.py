"""A store that is away, and what is captured meanwhile."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from infra_shared.blobs.django_store import artifact_store
from infra_shared.blobs.protocol import BlobInfo, BlobStorageError
from infra_shared.clock import utc_now
from runs.models import Artifact
from webgraph.recorder import ArtifactKind, Evidence

if TYPE_CHECKING:
    from pathlib import Path

    from runs.evidence_writer import EvidenceWriter


SECRET = "canary/Zq7 xk&9"


class StoreThatIsAway:
    """Answers nothing, and counts how often it was asked."""

    asked = 0

    def put(self, _source: bytes | Path, *, text: bool) -> BlobInfo:
        self.asked += 1
        raise BlobStorageError(f"The store of {'texts' if text else 'files'} does not answer.")

    def __getattr__(self, name: str) -> Any:
        return getattr(artifact_store(), name)


class StoreThatIsSlow:
    """Takes bytes, but not before it is told to."""

    def __init__(self) -> None:
        self.may_answer = threading.Event()

    def put(self, source: bytes | Path, *, text: bool) -> BlobInfo:
        self.may_answer.wait(30)
        return artifact_store().put(source, text=text)

    def __getattr__(self, name: str) -> Any:
        return getattr(artifact_store(), name)


def evidence(body: bytes, **facts: Any) -> Evidence:
    """What a browser saw."""
    facts = {"kind": ArtifactKind.DOWNLOAD, "name": "list.csv", "content_type": "text/csv"} | facts
    return Evidence(body=body, captured_at=utc_now(), **facts)


def captured(writer: EvidenceWriter, *bodies: bytes) -> list[Artifact]:
    """The rows of what was captured, once the writer has let go of it."""
    for body in bodies:
        writer.evidence(evidence(body))
    writer.flush(seconds=30)
    return list(Artifact.objects.order_by("pk"))


def read(artifact: Artifact) -> bytes:
    """The bytes as the store has them."""
    assert artifact.blob is not None
    with artifact_store().open(artifact.blob) as reader:
        return b"".join(iter(lambda: reader.read(100_000), b""))
