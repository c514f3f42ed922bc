"""What a worker's recorder does while the store of files is slow or away."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from infra_shared.blobs.django_store import artifact_store
from infra_shared.blobs.protocol import BlobInfo, BlobStorageError, BlobStore
from infra_shared.clock import utc_now
from runs.evidence_writer import EvidenceWriter
from runs.models import Artifact
from tests.support import sample
from webgraph.recorder import ArtifactKind, Evidence

if TYPE_CHECKING:
    from pathlib import Path

    from automations.models import AutomationVersion

BEATS = 2
PICTURE = Evidence(
    kind=ArtifactKind.STEP_PICTURE,
    name="step.png",
    content_type="image/png",
    body=b"picture",
    captured_at=utc_now(),
)


class StoreThatWaits:
    """Takes bytes once whoever waits for it has paused twice, which is when a worker process extends its lease."""

    def __init__(self, real: BlobStore) -> None:
        self._real = real
        self._beaten = threading.Event()
        self.beats = 0

    def pause(self, _seconds: float) -> None:
        self.beats += 1
        if self.beats >= BEATS:
            self._beaten.set()

    def put(self, source: bytes | Path, *, text: bool) -> BlobInfo:
        if not self._beaten.wait(10):
            raise BlobStorageError("Nobody extended the lease.")
        return self._real.put(source, text=text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


@pytest.fixture
def store(version: AutomationVersion) -> StoreThatWaits:
    return StoreThatWaits(artifact_store())


@pytest.fixture
def writer(version: AutomationVersion, store: StoreThatWaits) -> EvidenceWriter:
    _, claim = sample.claimed_run(version)
    return EvidenceWriter(claim=claim, store=store, outage=timedelta(seconds=1), sleep=store.pause)


def test_the_lease_is_extended_while_a_slow_store_takes_evidence(
    writer: EvidenceWriter, store: StoreThatWaits
) -> None:
    writer.evidence(PICTURE)

    writer.flush(seconds=60)

    assert store.beats >= BEATS
    assert Artifact.objects.get().missing_reason == ""


def test_the_lease_is_extended_while_a_slow_store_takes_a_result(
    writer: EvidenceWriter, store: StoreThatWaits
) -> None:
    assert writer.keep_now(PICTURE, seconds=60).size_bytes == len(PICTURE.body)
    assert store.beats >= BEATS


def test_what_the_store_does_not_take_in_time_is_a_recorded_gap(
    writer: EvidenceWriter, store: StoreThatWaits
) -> None:
    writer.evidence(PICTURE)

    writer.flush(seconds=0)
    writer.close()
    store.pause(0)
    store.pause(0)

    assert Artifact.objects.get().missing_reason == "The store did not take it before the attempt ended."


def test_bytes_the_server_breaks_on_are_a_recorded_gap_and_the_attempt_goes_on(
    writer: EvidenceWriter, store: StoreThatWaits, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object, **__: object) -> BlobInfo:
        raise KeyError("a defect")

    monkeypatch.setattr(store, "put", breaks)
    writer.evidence(PICTURE)

    writer.flush(seconds=60)

    assert Artifact.objects.get().missing_reason == "The server failed while it stored it: KeyError."
