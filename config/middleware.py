"""Middleware that belongs to the whole server."""

from __future__ import annotations

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.deprecation import MiddlewareMixin

RETRY_AFTER_SECONDS = 5


class DatabaseOutageMiddleware(MiddlewareMixin):
    """Answers 503 with Retry-After while the database is away or its write lock is held, instead of a traceback."""

    def process_exception(self, _request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Translate what the database driver raised; other exceptions stay as they are."""
        if not isinstance(exception, (OperationalError, InterfaceError)):
            return None
        return JsonResponse(
            {
                "type": "about:blank",
                "title": "The database does not answer",
                "status": 503,
                "detail": "Nothing was lost. Try again in a few seconds.",
            },
            status=503,
            content_type="application/problem+json",
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        )
