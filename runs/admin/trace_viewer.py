"""Playwright's own trace viewer under the console's address, for recorded traces.

A trace holds pages that strangers wrote. The viewer rebuilds them in frames of this origin, so what keeps their
scripts from running is the policy sent here: scripts come from the viewer's own files and from nowhere else.
"""

from __future__ import annotations

import mimetypes
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.urls import reverse

if TYPE_CHECKING:
    from django.http import HttpRequest

    from runs.models import Artifact

POLICY = (
    "script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
    "connect-src 'self'; worker-src 'self'; frame-src 'self' blob: data:; "
    "object-src 'none'; base-uri 'none'; form-action 'none'"
)
_FIRST = "index.html"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".webmanifest": "application/manifest+json",
}


@cache
def viewer_files() -> dict[str, Path]:
    """Every file of the viewer by its name below the viewer's address; the driver's package brings them."""
    found = find_spec("playwright")
    if found is None or found.origin is None:
        return {}
    folder = Path(found.origin).parent / "driver" / "package" / "lib" / "vite" / "traceViewer"
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def viewer_url(trace: Artifact) -> str:
    """The address that shows one trace."""
    page = reverse("admin:trace_viewer", args=[_FIRST])
    return f"{page}?trace={reverse('admin:artifact', args=[trace.pk])}"


def file_view(request: HttpRequest, name: str) -> HttpResponse:
    """One file of the viewer, for those who may see artifacts: names are looked up, never joined to a folder."""
    if not request.user.has_perm("runs.view_artifact"):
        raise PermissionDenied
    path = viewer_files().get(name)
    if path is None:
        raise Http404("The trace viewer has no such file.")
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    # Whole: a file that is read synchronously cannot be streamed under ASGI, and the largest has half a megabyte.
    answer = HttpResponse(path.read_bytes(), content_type=kind)
    answer.headers["Content-Security-Policy"] = POLICY
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["X-Frame-Options"] = "SAMEORIGIN"  # the viewer frames the recorded pages
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["Cache-Control"] = "private, max-age=600"
    return answer
