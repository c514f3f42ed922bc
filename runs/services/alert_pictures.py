"""A small picture of the step a run ended in, for the mail that tells of it.

Only what was redacted and stored is read. A picture that is missing or quarantined is left out, and no earlier one takes
its place: it would show something else than the mail speaks of.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING
from uuid import UUID

from PIL import Image

from infra_shared.blobs.django_store import artifact_store
from runs.models import Artifact
from webgraph.recorder import ArtifactKind

if TYPE_CHECKING:
    from infra_shared.models import Blob

MOST_READ_BYTES = 20_000_000
MOST_PIXELS = 40_000_000
MOST_BYTES = 100_000
_WIDTH, _HEIGHT = 560, 700
_QUALITIES = (70, 45, 25)
_KINDS = (ArtifactKind.FAILURE_PICTURE, ArtifactKind.STEP_PICTURE)


def small_picture(run_id: str) -> bytes | None:
    """A JPEG of at most MOST_BYTES of the last thing the run saw; None when there is none that may be shown.

    Raises what a store that is away and a broken picture raise.
    """
    artifact = _latest(UUID(run_id))
    if artifact is None or artifact.blob is None or artifact.blob.size_bytes > MOST_READ_BYTES:
        return None
    return as_small_jpeg(_read(artifact.blob))


def as_small_jpeg(body: bytes) -> bytes | None:
    """The top of a picture, narrow enough for a mail; None when it is too large to open or does not get small."""
    with Image.open(io.BytesIO(body)) as picture:
        if picture.width * picture.height > MOST_PIXELS:
            return None
        tallest = max(round(picture.width * _HEIGHT / _WIDTH), 1)
        small = picture.convert("RGB").crop((0, 0, picture.width, min(picture.height, tallest)))
    small.thumbnail((_WIDTH, _HEIGHT))
    for quality in _QUALITIES:
        kept = io.BytesIO()
        small.save(kept, "JPEG", quality=quality, optimize=True)
        if kept.tell() <= MOST_BYTES:
            return kept.getvalue()
    return None


def _latest(run_id: UUID) -> Artifact | None:
    pictures = Artifact.objects.filter(run_id=run_id).select_related("blob").order_by("-id")
    for kind in _KINDS:
        found = pictures.filter(kind=kind).first()
        if found is not None:
            return found
    return None


def _read(blob: Blob) -> bytes:
    whole = bytearray()
    with artifact_store().open(blob) as reader:
        while part := reader.read(MOST_READ_BYTES):
            whole += part
    return bytes(whole)
