"""Endpoints: single artifacts and their content."""

from __future__ import annotations

from uuid import UUID

from asgiref.sync import async_to_sync
from django.http import StreamingHttpResponse
from ninja import Router

from infra_shared.api.auth import ApiKeyAuth, ApiRequest
from infra_shared.scopes import Scope
from runs.api.reach import artifact_in_reach
from runs.schemas import ArtifactOut
from runs.services.artifact_content import artifact_answer

router = Router(tags=["Artifacts"])
_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


@router.get(
    "/artifacts/{artifact_id}",
    auth=ApiKeyAuth(Scope.ARTIFACTS_READ),
    response=ArtifactOut,
    summary="Get an artifact",
)
def get_artifact(request: ApiRequest, artifact_id: UUID) -> ArtifactOut:
    """What is known of one file."""
    return ArtifactOut.of(artifact_in_reach(request, artifact_id))


@router.get(
    "/artifacts/{artifact_id}/content",
    auth=ApiKeyAuth(Scope.ARTIFACTS_READ),
    summary="Download an artifact",
    openapi_extra={
        "responses": {
            200: {"description": "The whole content, typed by the artifact's kind.", "content": _BYTES},
            206: {"description": "The range that was asked for.", "content": _BYTES},
            416: {"description": "The range lies outside the content."},
        }
    },
)
def get_artifact_content(request: ApiRequest, artifact_id: UUID) -> StreamingHttpResponse:
    """The bytes of one file. Pictures and other binary files honour `Range`; texts are always sent whole.

    What a browser captured comes with a policy under which nothing in it runs.
    """
    # This view is synchronous because it reads the database; only the body it returns is read on the event loop.
    answer = async_to_sync(artifact_answer)(
        artifact=artifact_in_reach(request, artifact_id),
        range_header=request.headers.get("Range", ""),
        if_range=request.headers.get("If-Range", ""),
    )
    return StreamingHttpResponse(answer.body, status=answer.status, headers=answer.headers)
