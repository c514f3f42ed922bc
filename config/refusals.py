"""What is answered to a request that Django itself refuses, and where a view says that something is not there or not allowed.

These pages ask the database nothing. Under ASGI Django makes them in a thread that outlives the request, where a connection
that was taken is never given back: a few wrong addresses would take every connection this process may have.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.shortcuts import render

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

_TOO_LARGE = (
    "What you sent is too large",
    "A form takes 2.5 MB beside its files. Send less at once, or a file through the field for files.",
)
_BAD = ("This request cannot be read", "Go back, load the page anew and try again.")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """413 for a form that is too large, 400 for everything else that cannot be read; never what was sent."""
    is_too_large = isinstance(exception, RequestDataTooBig | TooManyFieldsSent)
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE if is_too_large else HTTPStatus.BAD_REQUEST
    title, text = _TOO_LARGE if is_too_large else _BAD
    return render(request, "400.html", {"heading": title, "text": text}, status=status)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django passes it
    """403: whom to ask."""
    return render(request, "403.html", _way_back(request), status=HTTPStatus.FORBIDDEN)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404, with what the view said is missing."""
    said = exception.args[0] if exception.args and isinstance(exception.args[0], str) else ""
    context = {**_way_back(request), "said": said}
    return render(request, "404.html", context, status=HTTPStatus.NOT_FOUND)


def _way_back(request: HttpRequest) -> dict[str, bool]:
    """Whether to show the way to the console: to who carries a session of it, as strangers are told nothing of it."""
    return {"knows_console": settings.REVIEW_UI and settings.SESSION_COOKIE_NAME in request.COOKIES}
