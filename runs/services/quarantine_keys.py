"""The keys of quarantined files: each file is encrypted under a key of its own, which the key ring wraps."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from django.db import transaction

from infra_shared.blobs.django_store import artifact_store
from infra_shared.crypto import DecryptionError, key_number
from infra_shared.key_places import KeyPlace, Tally
from infra_shared.sealing import rewrap, wrapped_key
from infra_shared.services.blobs import remember_blob
from runs.models import Artifact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra_shared.models import Blob


class QuarantinedFiles(KeyPlace):
    """Only the wrapped key at the head of a file changes; what it holds is copied as it is."""

    name = "runs.Artifact.sealed_blob"

    def __init__(self) -> None:
        self._store = artifact_store()

    def walk(self, *, rotate: bool, batch: int) -> Iterator[Tally]:
        """Every sealed file; each is one transaction."""
        tally = Tally()
        sealed = Artifact.objects.filter(sealed_blob__isnull=False).order_by("pk")
        for number, artifact in enumerate(sealed.select_related("sealed_blob").iterator(batch), 1):
            assert artifact.sealed_blob is not None  # by the filter
            self._judge(artifact, artifact.sealed_blob, tally, rotate=rotate)
            if number % batch == 0:
                yield tally
        yield tally

    def _judge(self, artifact: Artifact, blob: Blob, tally: Tally, *, rotate: bool) -> None:
        try:
            with self._store.open(blob) as source:
                number = key_number(wrapped_key(cast("IO[bytes]", source)))
        except DecryptionError:
            number = None
        tally.add(number, row=artifact.pk)
        if rotate and number and self._rewrap(artifact, blob):
            tally.moved()

    def _rewrap(self, artifact: Artifact, blob: Blob) -> bool:
        """Store the file with its key wrapped anew, and let the row name that one; the sweeper takes the old bytes."""
        with self._store.open(blob) as source, tempfile.NamedTemporaryFile(prefix="sealed-") as target:
            rewrap(cast("IO[bytes]", source), cast("IO[bytes]", target))
            target.flush()
            info = self._store.put(Path(target.name), text=False)
        with transaction.atomic():
            row = remember_blob(info)
            rows = Artifact.objects.filter(pk=artifact.pk, sealed_blob=blob)
            return bool(rows.update(sealed_blob=row))
