"""Keeping the filter of any list under a name, and forgetting it: two addresses that take forms, and no page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.urls import path, reverse
from django.views.decorators.http import require_POST

from infra_shared.admin.base import ConsoleAdmin, actor
from infra_shared.models import SavedFilter
from infra_shared.services.saved_filters import FilterRefusedError, forget_filter, normal_query, save_filter

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern


@admin.register(SavedFilter)
class SavedFilterAdmin(ConsoleAdmin):
    """Saved filters stand above the lists they belong to; they have no list of their own."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """No stock page."""
        return False

    def site_urls(self) -> list[URLPattern]:
        """Where the forms above the lists send what was entered."""
        save, forget = (require_POST(view) for view in (self.save_view, self.forget_view))
        return [
            path("filters/save/", self.admin_site.admin_view(save), name="save_filter"),
            path("filters/<int:pk>/forget/", self.admin_site.admin_view(forget), name="forget_filter"),
        ]

    def save_view(self, request: HttpRequest) -> HttpResponse:
        """Keep the filter for the operator who sent it, if they may see the list it is for."""
        page, query = request.POST.get("page", ""), request.POST.get("query", "")
        self._require_list(request, page)
        back = f"{reverse(f'admin:{page}')}?{normal_query(query)}"
        name = request.POST.get("name", "").strip()
        try:
            save_filter(owner=request.user, page=page, name=name, query=query, actor=actor(request))
        except FilterRefusedError as error:
            return self.refused(request, str(error), back)
        return self.done(request, f"“{name}” now stands above the list, for you alone.", back)

    def forget_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take one of the operator's own filters away; those of others are not there."""
        saved = SavedFilter.objects.filter(pk=pk, owner_id=request.user.pk).first()
        if saved is None:
            raise Http404("There is no such filter.")
        forget_filter(saved=saved, actor=actor(request))
        return self.done(request, f"“{saved.name}” is forgotten.", reverse(f"admin:{saved.page}"))

    def _require_list(self, request: HttpRequest, page: str) -> None:
        """Raise Http404 unless the page is a list of the console, PermissionDenied unless the operator may see it."""
        lists = {
            f"{model._meta.app_label}_{model._meta.model_name}_changelist": pages
            for model, pages in self.admin_site._registry.items()
        }
        if page not in lists:
            raise Http404("There is no such list.")
        if not lists[page].has_view_permission(request):
            raise PermissionDenied
