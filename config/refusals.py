"""What is answered to a request that Django itself refuses before any view."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

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
