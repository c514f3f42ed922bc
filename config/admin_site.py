"""The console's site object, named by config.apps.ConsoleConfig and imported by nobody."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.template.response import TemplateResponse
from unfold.sites import UnfoldAdminSite

from infra_shared import overview
from infra_shared.services import operators
from infra_shared.sign_in.views import sign_in

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse, HttpResponseBase
    from django.urls import URLPattern

UNSHOWN = frozenset({"django_q", "account", "mfa", "axes"})
"""Apps whose own pages would let an operator write rows past the services, or show what signs others in."""


class ConsoleSite(UnfoldAdminSite):
    """The operators' console. Apps hang pages into it by registering models, and panels by `overview.register`."""

    site_title = "Automations"
    site_header = "Automations"
    index_title = "Overview"
    enable_nav_sidebar = True

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Register a model's pages, except those of UNSHOWN apps."""
        models: list[Any] = (
            [model_or_iterable] if isinstance(model_or_iterable, type) else list(model_or_iterable)
        )
        shown = [
            model
            for model in models
            if model._meta.app_label not in UNSHOWN  # noqa: SLF001 - a model's public description, whatever its name
        ]
        super().register(shown, admin_class, **options)

    def extra_urls(self) -> list[URLPattern]:
        """Pages outside any model's addresses, such as artifacts: each registered class may bring some."""
        brought: list[URLPattern] = []
        for model_admin in self._registry.values():
            brought += getattr(model_admin, "site_urls", list)()
        return brought

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """What every page shows: the skin's own, and what registered classes bring, such as a banner."""
        brought: dict[str, Any] = {}
        for model_admin in self._registry.values():
            every_page = getattr(model_admin, "every_page", None)
            brought |= every_page(request) if every_page is not None else {}
        return {**super().each_context(request), **brought}

    def login(self, request: HttpRequest, *_: Any, **__: Any) -> HttpResponseBase:
        """The sign-in with its second factor; the admin's own, which knows none, is served at no address."""
        return sign_in(request)

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """End the session, and write it down."""
        if request.user.is_authenticated:
            operators.record_own(request.user, "operator.sign_out")
        answer: HttpResponse = super().logout(request, extra_context)
        return answer

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The operator's own new password; it ends all other sessions of theirs."""
        with transaction.atomic():
            answer: HttpResponse = super().password_change(request, extra_context)
            if (
                request.method == "POST"
                and answer.status_code == HTTPStatus.FOUND
                and request.user.is_authenticated
            ):
                operators.record_own(request.user, "operator.new_password")
        return answer

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The overview: what needs a person now, and what happens next."""
        context = {
            **self.each_context(request),
            "title": self.index_title,
            "is_fullwidth": "1",
            "panels": overview.shown_panels(request),
            **(extra_context or {}),
        }
        request.current_app = self.name
        return TemplateResponse(request, "review/overview.html", context)
