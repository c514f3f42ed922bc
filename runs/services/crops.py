"""The part of a stored picture that shows one control: cut from what was masked before it was stored."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from infra_shared.blobs.django_store import artifact_store
from runs.models import Artifact

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

_LEAST_WIDTH, _LEAST_HEIGHT, _AROUND = 440.0, 180.0, 48.0
_FRAME = "#e5484d"
_QUALITY = 85
_READ_BYTES = 1024 * 1024


def is_in_view(box: Sequence[float] | None) -> bool:
    """Whether a place (x, y, width, height, and the window's width and height) lies in the window's picture."""
    if not box or len(box) != 6:
        return False
    x, y, width, height, across, down = box
    return (
        width > 0 and height > 0 and x >= -1 and y >= -1 and x + width <= across + 1 and y + height / 2 < down
    )


def picture_of(picture: UUID | None) -> Artifact | None:
    """The stored picture, with its run's customer; None when it was never kept or is gone."""
    if picture is None:
        return None
    return Artifact.objects.stored().select_related("blob", "run__customer").filter(pk=picture).first()


def crop(picture: Artifact, box: Sequence[float]) -> bytes:
    """The surroundings of a place as a JPEG, the place itself framed; raises BlobError when the bytes are gone."""
    assert picture.blob is not None  # `picture_of` gives stored ones only
    with artifact_store().open(picture.blob) as reader:
        body = b"".join(iter(lambda: reader.read(_READ_BYTES), b""))
    image = Image.open(io.BytesIO(body)).convert("RGB")
    scale = image.width / box[4]
    x, y, width, height = (part * scale for part in box[:4])
    draw = ImageDraw.Draw(image)
    edge = max(2, round(2 * scale))
    draw.rectangle(
        (x - edge * 2, y - edge * 2, x + width + edge * 2, y + height + edge * 2), outline=_FRAME, width=edge
    )
    wide = max(_LEAST_WIDTH * scale, width + 2 * _AROUND * scale)
    high = max(_LEAST_HEIGHT * scale, height + 2 * _AROUND * scale)
    left = _begin(x + width / 2, wide, image.width)
    top = _begin(y + height / 2, high, image.height)
    cut = image.crop(
        (round(left), round(top), round(min(left + wide, image.width)), round(min(top + high, image.height)))
    )
    written = io.BytesIO()
    cut.save(written, "JPEG", quality=_QUALITY)
    return written.getvalue()


def _begin(middle: float, length: float, most: float) -> float:
    """Where a stretch of this length begins that has the middle in it and does not leave the picture."""
    return max(0.0, min(middle - length / 2, most - length))
