"""What axes asks this installation: whom to count a failed sign-in under, and what to say when it is one too many."""

from __future__ import annotations

from http import HTTPStatus
from math import ceil
from typing import TYPE_CHECKING, Any

import structlog
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.template.response import TemplateResponse
from django.utils.crypto import salted_hmac

from infra_shared.api.addresses import UNKNOWN, client_address
from infra_shared.clock import utc_now
from infra_shared.services import operators

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest, HttpResponse

_DIGEST_LENGTH = 16
_log = structlog.get_logger(__name__)


def counted_name(request: HttpRequest, credentials: Mapping[str, Any] | None = None) -> str:
    """The name a failed sign-in is counted and stored under: an account's own name, else a keyed digest.

    People type their password into the wrong field; what is no account's name is therefore stored nowhere.
    """
    name = str((credentials or {}).get("username") or request.POST.get("username", "")).strip()
    if not name or get_user_model().objects.filter(username=name).exists():
        return name
    return f"unknown:{salted_hmac('infra_shared.sign_in', name).hexdigest()[:_DIGEST_LENGTH]}"


def counted_address(request: HttpRequest) -> str | None:
    """The address rate limits count, in the form of a column for addresses: of an IPv6 network its first one."""
    address = client_address(request).partition("/")[0]
    return None if address == UNKNOWN else address


def locked_out(
    request: HttpRequest, _response: HttpResponse | None, credentials: Mapping[str, Any] | None
) -> HttpResponse:
    """The page that says when to try again; the same for names that are accounts and names that are none."""
    name, address = counted_name(request, credentials), counted_address(request)
    now = utc_now()
    until = operators.locked_until(username=name, address=address, now=now) or now
    _log.warning("sign_in_locked", address=address, until=until.isoformat())
    request.current_app = admin.site.name
    context = {
        **admin.site.each_context(request),
        "title": "Locked for a while",
        "until": until,
        "minutes": max(1, ceil((until - now).total_seconds() / 60)),
    }
    response = TemplateResponse(
        request, "review/sign_in/locked.html", context, status=HTTPStatus.TOO_MANY_REQUESTS
    )
    response.headers["Retry-After"] = str(max(1, ceil((until - now).total_seconds())))
    response.headers["Cache-Control"] = "no-store"
    return response.render()
