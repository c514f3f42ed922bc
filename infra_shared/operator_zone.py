"""Times on screens are those of the operator's own zone, which the browser tells in a cookie."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from asgiref.sync import iscoroutinefunction
from django.utils import timezone
from django.utils.decorators import sync_and_async_middleware

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest

COOKIE = "console_time_zone"


@sync_and_async_middleware
def operator_zone_middleware(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Middleware that makes the cookie's time zone the current one while a request is answered."""
    if iscoroutinefunction(get_response):

        async def answer_async(request: HttpRequest) -> Any:
            with _zone_of(request):
                return await get_response(request)

        return answer_async

    def answer(request: HttpRequest) -> Any:
        with _zone_of(request):
            return get_response(request)

    return answer


def _zone_of(request: HttpRequest) -> AbstractContextManager[Any]:
    """The cookie's zone while the context is open; the installation's own where the cookie names none."""
    name = request.COOKIES.get(COOKIE, "")
    try:
        return timezone.override(ZoneInfo(name)) if name else nullcontext()
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return nullcontext()  # a cookie is anybody's word: a name that is no zone changes nothing
