"""`GET /metrics`: the figures of the whole installation, for Prometheus and for operators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from config.api import api
from infra_shared.api.auth import HEADER, ApiKeyAuth
from infra_shared.api.problems import ApiError
from infra_shared.exposition import CONTENT_TYPE, exposition
from infra_shared.models import ALL
from infra_shared.reach import reaches_all
from infra_shared.scopes import Scope
from infra_shared.services.api_keys import ApiKeyRefusedError

if TYPE_CHECKING:
    from django.http import HttpRequest

_BEARER = "bearer"
_auth = ApiKeyAuth(Scope.METRICS_READ)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Every figure in Prometheus' text format, or a problem answer to who may not read it."""
    try:
        _admit(request)
    except (ApiError, ApiKeyRefusedError, PermissionDenied) as error:
        return api.on_exception(request, error)
    return HttpResponse(exposition(), content_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"})


def _admit(request: HttpRequest) -> None:
    """Raise what the API raises, unless the figures of every customer are within reach of who asks."""
    text = _key_of(request)
    if not text and settings.REVIEW_UI and request.user.is_authenticated:
        if not (request.user.is_active and request.user.is_staff and reaches_all(request.user)):
            raise PermissionDenied("The figures are for operators who reach every customer.")
        return
    key = _auth.authenticate(request, text)
    if ALL not in key.caller.customers:
        raise PermissionDenied(
            "The figures are of every customer: they need a key that reaches every customer."
        )


def _key_of(request: HttpRequest) -> str:
    """The key that was sent, where the API has it or where Prometheus puts it; empty for none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return request.headers.get(HEADER, "") or (token.strip() if scheme.lower() == _BEARER else "")
