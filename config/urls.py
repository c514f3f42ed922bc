"""The URL configuration: the liveness answer, the API, and the console where it is mounted."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from config.api import api
from config.metrics import metrics


def healthz(request: HttpRequest) -> HttpResponse:
    """Say that this process answers; the one open endpoint."""
    return HttpResponse("ok", content_type="text/plain")


def patterns(*, console: bool) -> list[URLPattern | URLResolver]:
    """Everything this server answers to, with the console or without it."""
    found: list[URLPattern | URLResolver] = [
        path("healthz", healthz, name="healthz"),
        path("metrics", metrics, name="metrics"),
        path("api/v1/", api.urls),
    ]
    if console:
        found += [
            path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
            path("admin/", include("infra_shared.sign_in.urls")),
            path("admin/", admin.site.urls),
        ]
    return found


handler400 = "config.refusals.bad_request"
handler403 = "config.refusals.forbidden"
handler404 = "config.refusals.not_found"
urlpatterns = patterns(console=settings.REVIEW_UI)
