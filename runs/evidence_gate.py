"""The one way by which a run's bytes come into the blob store: searched first, and sealed when they hold a secret."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from infra_shared.leaks import LeakScan
from infra_shared.sealing import seal

if TYPE_CHECKING:
    from pathlib import Path

    from infra_shared.blobs.protocol import BlobInfo
    from infra_shared.leaks import Leak
    from infra_shared.redaction import Redactor


@dataclass(frozen=True, slots=True)
class Stored:
    """Bytes in the store. With a `leak` the blob is sealed: it is to be quarantined and never served."""

    blob: BlobInfo
    leak: Leak | None = None


class BlobTaker(Protocol):
    """What the gate needs of a store."""

    def put(self, source: bytes | Path, *, text: bool) -> BlobInfo:
        """Keep the bytes; raises BlobStorageError."""


class EvidenceGate:
    """Puts bytes into a store. What holds one of the redactor's secrets goes there unaltered, but encrypted.

    Texts and pictures were redacted before; a secret that is found here all the same is a defect of the redaction, and
    in a download it is what the site gave. Safe for use by the one thread that stores, while others teach the redactor.
    """

    def __init__(self, store: BlobTaker, redactor: Redactor | None) -> None:
        """Without a redactor the run has no secrets."""
        self._store = store
        self._scan = LeakScan(redactor) if redactor is not None else None

    def leak_in(self, body: bytes, *, name: str = "") -> Leak | None:
        """Why the bytes must not be stored as they are; None when nothing keeps them from it."""
        return self._scan.leak_in(body, name=name) if self._scan is not None else None

    def put(self, body: bytes, *, text: bool, name: str = "") -> Stored:
        """Store the bytes, sealed when they or their name hold a secret; raises BlobStorageError."""
        ready, leak = self.passed(body, name=name)
        return Stored(self._store.put(ready, text=text and leak is None), leak)

    def passed(self, body: bytes, *, name: str = "") -> tuple[bytes, Leak | None]:
        """The bytes as they may lie on a disk, and the leak for which they were sealed."""
        leak = self.leak_in(body, name=name)
        if leak is None:
            return body, None
        sealed = io.BytesIO()
        seal(io.BytesIO(body), sealed)
        return sealed.getvalue(), leak
