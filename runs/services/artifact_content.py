"""Artifacts as HTTP answers that cannot harm who opens them.

What a browser captured is hostile: served as itself it would run with the operator's session. So the content type
comes from an allow-list by the artifact's kind, never from what a site said; every answer carries a sandbox policy;
and what is not on the list is only ever downloaded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.utils.http import content_disposition_header

from infra_shared.blobs.django_store import artifact_store
from infra_shared.blobs.protocol import BlobNotFoundError, BlobStorageError
from infra_shared.http.blob_stream import stream_blob
from runs.errors import ArtifactMissingError
from webgraph.recorder import ArtifactKind

if TYPE_CHECKING:
    from infra_shared.http.blob_stream import BlobAnswer
    from runs.models import Artifact

OCTETS = "application/octet-stream"
_PICTURES = ("image/png", "image/jpeg", "image/webp")
_HTML = ("text/html; charset=utf-8",)
_TEXT = ("text/plain; charset=utf-8",)
_JSON = ("application/json",)
_JSON_LINES = ("application/x-ndjson",)


@dataclass(frozen=True, slots=True)
class _Serving:
    """How one kind is served: as `types[0]`, or as the artifact's own type where `types` names it."""

    types: tuple[str, ...] = (OCTETS,)
    inline: bool = field(default=True, kw_only=True)


_DOWNLOAD_ONLY = _Serving(inline=False)
_SERVED = {
    ArtifactKind.STEP_PICTURE: _Serving(_PICTURES),
    ArtifactKind.FAILURE_PICTURE: _Serving(_PICTURES),
    ArtifactKind.STEP_HTML: _Serving(_HTML),
    ArtifactKind.STEP_BEFORE: _Serving(_PICTURES),
    ArtifactKind.STEP_AXTREE: _Serving(_TEXT),
    ArtifactKind.FAILURE_HTML: _Serving(_HTML),
    ArtifactKind.FAILURE_AXTREE: _Serving(_TEXT),
    ArtifactKind.REQUEST_LOG: _Serving(_JSON_LINES),
    ArtifactKind.CONSOLE_LOG: _Serving(_JSON_LINES),
    ArtifactKind.LOG: _Serving(_JSON_LINES),
    ArtifactKind.STAGE_STATE: _Serving(_JSON),
    ArtifactKind.RESULT: _Serving(_JSON),
    ArtifactKind.REJECTED_ROWS: _Serving(_JSON_LINES),
    ArtifactKind.TRACE: _Serving(("application/zip",), inline=False),
    ArtifactKind.DOWNLOAD: _DOWNLOAD_ONLY,
    ArtifactKind.INPUT: _DOWNLOAD_ONLY,
}
_SAFETY = {
    "Content-Security-Policy": "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",  # the pages of steps show captured pages in a frame
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}
_NOT_FOR_FILE_NAMES = re.compile(r'[\x00-\x1f\x7f/\\:"]')


def content_headers(artifact: Artifact) -> dict[str, str]:
    """Content type, disposition and the safety headers for one artifact."""
    serving = _SERVED.get(ArtifactKind(artifact.kind), _DOWNLOAD_ONLY)
    own = artifact.content_type.lower()
    name = _NOT_FOR_FILE_NAMES.sub("_", artifact.name) or str(artifact.pk)
    return {
        **_SAFETY,
        "Content-Type": own if own in serving.types else serving.types[0],
        "Content-Disposition": str(content_disposition_header(not serving.inline, name)),
    }


async def artifact_answer(*, artifact: Artifact, range_header: str = "", if_range: str = "") -> BlobAnswer:
    """Status, all headers and the streaming body for an artifact (fetched with its blob); Range is honoured.

    Raises ArtifactMissingError when there are no bytes, with the recorded reason, and BlobStorageError when the
    store cannot give them now, or has not got them yet. Both before anything is sent.
    """
    if artifact.is_quarantined:
        raise ArtifactMissingError(
            f"This file is quarantined and served to nobody. {artifact.quarantine_reason}"
        )
    if artifact.is_waiting:
        raise BlobStorageError(f"This file cannot be read yet. {artifact.missing_reason}")
    if artifact.blob is None:
        raise ArtifactMissingError(f"This file was not kept. {artifact.missing_reason}")
    try:
        answer = await stream_blob(
            artifact_store(), artifact.blob, range_header=range_header, if_range=if_range
        )
    except BlobNotFoundError as error:
        raise ArtifactMissingError("The bytes of this file are no longer in the store.") from error
    answer.headers.update(content_headers(artifact))
    return answer
