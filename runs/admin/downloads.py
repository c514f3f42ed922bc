"""What of a run leaves the console as a file: its result, and everything at once."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.urls import reverse

from infra_shared.blobs.protocol import BlobError
from infra_shared.reach import reaches
from runs.errors import RunsError
from runs.models import Artifact, Run, Step
from runs.schemas import ArtifactOut, AttemptOut, RunOut, StepOut, TransitionOut
from runs.services.bundle_export import bundle_of
from runs.services.bundle_format import DOCUMENT
from runs.services.result_formats import to_csv, to_json_lines
from runs.services.results import result_of
from runs.services.run_archive import archive

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator
    from uuid import UUID

    from django.http import HttpRequest, HttpResponseBase
    from ninja import Schema

FORMATS: dict[str, tuple[str, Callable[[dict[str, Any]], str]]] = {
    "json": ("application/json", lambda result: json.dumps(result, indent=2, ensure_ascii=False)),
    "jsonl": ("application/x-ndjson", to_json_lines),
    "csv": ("text/csv; charset=utf-8", to_csv),
}


def result_file(run: Run, form: str) -> HttpResponse:
    """The result as JSON, JSON Lines or CSV; raises what reading a result raises."""
    form = form if form in FORMATS else "json"
    content_type, write = FORMATS[form]
    name = f"{run.automation.key}-{run.short_id}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(write(result_of(run=run)), content_type=content_type, headers=headers)


async def archive_view(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Everything the run left as one zip, streamed off the event loop."""
    user = await request.auser()
    if not (user.is_active and user.is_staff):
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    if not await user.ahas_perms(["runs.view_run", "runs.view_artifact"]):
        raise PermissionDenied
    rows = Run.objects.select_related("automation", "version", "customer", "result_artifact__blob")
    run = await rows.filter(pk=pk).afirst()
    if run is None or not await sync_to_async(reaches)(user, run.customer.key):
        raise Http404("There is no such run.")
    pieces = await sync_to_async(everything_of)(run)
    name = f"{run.automation.key}-{run.short_id}.zip"
    return StreamingHttpResponse(
        _off_the_loop(pieces),
        content_type="application/zip",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            # Named, so that no middleware compresses the stream a second time.
            "Content-Encoding": "identity",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        },
    )


def everything_of(run: Run) -> Iterator[bytes]:
    """The pieces of the zip, with every row read beforehand; once the run has ended, another installation can import it."""
    artifacts = list(
        Artifact.objects.filter(run=run).select_related("blob", "attempt", "step").order_by("id")
    )
    attempts = run.attempts.select_related("executed_version").order_by("number")
    steps = Step.objects.filter(attempt__run=run).select_related("attempt").order_by("attempt", "index")
    moves = run.transitions.select_related("attempt").order_by("id")
    documents = {
        "run.json": _json([RunOut.of(run)])[1:-1],
        "attempts.json": _json(AttemptOut.of(row) for row in attempts),
        "steps.json": _json(StepOut.of(row) for row in steps),
        "transitions.json": _json(TransitionOut.of(row) for row in moves),
        "artifacts.json": _json(ArtifactOut.of(row) for row in artifacts),
    }
    if run.is_terminal:
        documents[DOCUMENT] = bundle_of(run=run, artifacts=artifacts).model_dump_json(by_alias=True).encode()
    # A run without a result has none to pack; one whose bytes are away names its artifact among what is missing.
    with suppress(RunsError, BlobError):
        documents["result.json"] = FORMATS["json"][1](result_of(run=run)).encode()
    return archive(artifacts=artifacts, documents=documents)


def _json(items: Iterable[Schema]) -> bytes:
    return b"[" + b",\n".join(item.model_dump_json(indent=2).encode() for item in items) + b"]"


async def _off_the_loop(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The same pieces, each made in a thread: a slow store must not stop the other requests."""
    while True:
        piece = await asyncio.to_thread(next, pieces, None)
        if piece is None:
            return
        if piece:
            yield piece
