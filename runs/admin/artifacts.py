"""Artifacts in the console: their bytes, behind every safety header, and a page that shows text escaped."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.urls import path, reverse

from infra_shared.admin.base import ConsoleAdmin
from infra_shared.blobs.django_store import artifact_store
from infra_shared.blobs.protocol import BlobError, BlobNotFoundError
from infra_shared.reach import reaches
from runs.admin.evidence import File
from runs.errors import ArtifactMissingError
from runs.models import Artifact
from runs.services.artifact_content import artifact_answer

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest, HttpResponseBase
    from django.urls import URLPattern

SHOWN_BYTES = 512 * 1024
SHOWN_ROWS = 500
FRAMED_BYTES = 1024 * 1024
"""A captured page beyond this is shown as text: one that means harm keeps a browser busy with what it is made of."""
RETRY_AFTER_SECONDS = 5


@admin.register(Artifact)
class ArtifactAdmin(ConsoleAdmin):
    """Artifacts are reached from their runs; they have no list of their own."""

    customer_field = "run__customer__key"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """No stock page: the two below ask for the permission themselves."""
        return False

    def site_urls(self) -> list[URLPattern]:
        """The addresses of an artifact's bytes and of its page."""
        return [
            path("artifacts/<uuid:pk>/", self.content_view, name="artifact"),
            path(
                "artifacts/<uuid:pk>/view/", self.admin_site.admin_view(self.show_view), name="artifact_view"
            ),
        ]

    async def content_view(self, request: HttpRequest, pk: UUID) -> HttpResponseBase:
        """The bytes, streamed off the event loop, with Range; `?download=1` asks for a file to be saved."""
        user = await request.auser()
        if not (user.is_active and user.is_staff):
            return redirect_to_login(request.get_full_path(), reverse("admin:login"))
        if not await user.ahas_perm("runs.view_artifact"):
            raise PermissionDenied
        artifact = await Artifact.objects.select_related("blob", "run__customer").filter(pk=pk).afirst()
        if artifact is None or not await sync_to_async(reaches)(user, artifact.run.customer.key):
            raise Http404("There is no such file.")
        try:
            answer = await artifact_answer(
                artifact=artifact,
                range_header=request.headers.get("Range", ""),
                if_range=request.headers.get("If-Range", ""),
            )
        except ArtifactMissingError as error:
            return HttpResponse(str(error), status=404, content_type="text/plain; charset=utf-8")
        except BlobError as error:
            headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
            return HttpResponse(
                str(error), status=503, content_type="text/plain; charset=utf-8", headers=headers
            )
        headers = dict(answer.headers)
        if request.GET.get("download"):
            headers["Content-Disposition"] = headers["Content-Disposition"].replace("inline", "attachment", 1)
        return StreamingHttpResponse(answer.body, status=answer.status, headers=headers)

    def show_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """A page about one artifact: text escaped, logs as tables, captured HTML in a sandbox."""
        if not request.user.has_perm("runs.view_artifact"):
            raise PermissionDenied
        rows = Artifact.objects.select_related("blob", "run__automation", "run__customer", "step")
        row = self.within_reach(request, rows).filter(pk=pk).first()
        if row is None:
            raise Http404("There is no such file.")
        file = File(row)
        back = (f"Run {row.run.short_id}", reverse("admin:runs_run_change", args=[row.run_id]))
        is_framed = file.is_page and row.size_bytes <= FRAMED_BYTES
        shown = _read(row) if file.is_viewed and not is_framed else {}
        return self.page(
            request,
            "review/artifact.html",
            title=file.title,
            section=back,
            file=file,
            artifact=row,
            is_framed=is_framed,
            **shown,
        )


def _read(artifact: Artifact) -> dict[str, Any]:
    """The beginning of a text artifact: as rows where each line is a JSON object, else as text."""
    if artifact.blob is None:
        return {}
    try:
        with artifact_store().open(artifact.blob, length=SHOWN_BYTES) as reader:
            body = b"".join(iter(lambda: reader.read(SHOWN_BYTES), b""))
    except BlobNotFoundError:
        return {"problem": "The bytes of this file are no longer in the store."}
    except BlobError as error:
        return {"problem": str(error)}
    text = body.decode("utf-8", errors="replace")
    is_cut = artifact.blob.size_bytes > len(body)
    if "ndjson" in artifact.content_type:
        return {"is_cut": is_cut, **_rows(text, is_cut=is_cut)}
    return {
        "is_cut": is_cut,
        "text": _indented(text) if "json" in artifact.content_type and not is_cut else text,
    }


def _rows(text: str, *, is_cut: bool) -> dict[str, Any]:
    lines = text.splitlines()[:-1] if is_cut else text.splitlines()
    try:
        entries = [json.loads(line) for line in lines[:SHOWN_ROWS] if line]
    except ValueError:
        return {"text": text}
    if not all(isinstance(entry, dict) for entry in entries):
        return {"text": text}
    columns = list(dict.fromkeys(name for entry in entries for name in entry))
    cells = [[entry.get(column) for column in columns] for entry in entries]
    return {"columns": columns, "rows": cells, "row_count": len(lines)}


def _indented(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text
