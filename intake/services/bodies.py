"""The bytes of an event's body, wherever they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra_shared.blobs.django_store import artifact_store

if TYPE_CHECKING:
    from intake.models import Event


def body_of(event: Event, *, at_most: int | None = None) -> bytes:
    """The body as it was sent, or its first `at_most` bytes; raises BlobError when the store cannot give it."""
    if event.blob is None:
        body = bytes(event.body or b"")
        return body if at_most is None else body[:at_most]
    wanted = event.size_bytes if at_most is None else min(at_most, event.size_bytes)
    parts = []
    with artifact_store().open(event.blob, length=wanted) as reader:
        while part := reader.read(1 << 20):
            parts.append(part)
    return b"".join(parts)
