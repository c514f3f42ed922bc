"""The console's site object, named by config.apps.ConsoleConfig and imported by nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.template.response import TemplateResponse
from unfold.sites import UnfoldAdminSite

from infra_shared import overview

if TYPE_CHECKING:
    from django.http import HttpRequest
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
