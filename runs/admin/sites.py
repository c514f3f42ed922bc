"""Sites: how each one's circuit breaker stands, and putting it right."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin

from infra_shared.admin.base import ConsoleAdmin, actor
from infra_shared.templatetags.console import pill, span, when
from runs.breaker_policy import Patience
from runs.models import Breaker, Site
from runs.services.breakers import reset_breaker, set_patience

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


class ResetForm(forms.Form):
    """A word for the audit log."""

    reason = forms.CharField(
        required=False, max_length=500, label="Reason", widget=forms.Textarea(attrs={"rows": 2})
    )


class PatienceForm(forms.Form):
    """When a breaker opens, and for how long."""

    failures = forms.IntegerField(min_value=1, max_value=100, label="Opens after so many failures")
    window_seconds = forms.IntegerField(min_value=1, max_value=86_400, label="Within so many seconds")
    pause_seconds = forms.IntegerField(
        min_value=1,
        max_value=86_400,
        label="Stays open for so many seconds",
        help_text="Then one attempt goes ahead. Each that fails doubles the time, up to half an hour.",
    )


@admin.register(Site)
class SiteAdmin(ConsoleAdmin):
    """Every site something is known of, the breaker that changed last first."""

    need_full_reach = True  # a site belongs to no one customer
    list_display = ("origin", "state", "why", "changed", "probe_due")
    list_filter = ("breaker",)
    search_fields = ("origin__startswith",)
    search_help_text = "Origin, from its beginning"
    ordering = ("-changed_at", "origin")
    empty_words = ("No site has failed yet", "Sites that automations declare stand here once one fails.")

    def extra_pages(self) -> list[tuple[str, Any, str]]:
        """Closing the breaker, and its numbers."""
        return [
            ("<int:pk>/reset/", self.reset_view, "reset"),
            ("<int:pk>/patience/", self.patience_view, "patience"),
        ]

    @admin.display(description="Circuit breaker")
    def state(self, site: Site) -> str:
        """How it stands."""
        return pill(site.breaker, site.get_breaker_display())

    @admin.display(description="Because")
    def why(self, site: Site) -> str:
        """Why it changed last."""
        return site.breaker_reason

    @admin.display(description="Changed")
    def changed(self, site: Site) -> str:
        """When it changed last."""
        return when(site.changed_at)

    @admin.display(description="One goes ahead")
    def probe_due(self, site: Site) -> str:
        """When one attempt goes ahead to see."""
        return when(site.probe_at if site.breaker == Breaker.OPEN else None)

    def row_page(self, request: HttpRequest, site: Site) -> HttpResponse:
        """One site and what can be done about it."""
        rows = [
            ("Circuit breaker", self.state(site)),
            ("Because", site.breaker_reason),
            ("Changed", self.changed(site)),
            ("One goes ahead", self.probe_due(site)),
            ("No start before", when(site.next_start_at)),
            ("Opens after", f"{site.open_after} failures within {span(site.patience.window)}"),
            ("Stays open", f"{span(site.patience.pause)} at first"),
        ]
        tools = []
        if self.may(request, "change"):
            tools = [("Change the numbers", self.url("patience", site.pk))]
            if site.breaker != Breaker.CLOSED:
                tools.insert(0, ("Close the breaker", self.url("reset", site.pk)))
        return self.page(request, "review/facts.html", title=site.origin, rows=rows, tools=tools)

    def reset_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Close the breaker after asking."""
        self.require(request, "change")
        site: Site = self.found(request, pk)
        form = ResetForm(request.POST or None)
        back = self.url("change", pk)
        if request.method == "POST" and form.is_valid():
            done = reset_breaker(site=site, actor=actor(request), reason=form.cleaned_data["reason"])
            said = "Its attempts begin again." if done else "It was closed before."
            return self.done(request, said, back)
        title = f"Close the breaker of {site.origin}"
        return self.page(request, "review/form.html", title=title, form=form, submit="Close it", back=back)

    def patience_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask when it opens."""
        self.require(request, "change")
        site: Site = self.found(request, pk)
        said = {
            "failures": site.open_after,
            "window_seconds": site.window_seconds,
            "pause_seconds": site.pause_seconds,
        }
        form, back = PatienceForm(request.POST or None, initial=said), self.url("change", pk)
        if form.is_valid():
            given = form.cleaned_data
            patience = Patience(
                failures=given["failures"],
                window=timedelta(seconds=given["window_seconds"]),
                pause=timedelta(seconds=given["pause_seconds"]),
            )
            set_patience(origin=site.origin, patience=patience, actor=actor(request))
            return self.done(request, "The numbers count from the next failure on.", back)
        return self.page(
            request,
            "review/form.html",
            title=f"When {site.origin} is left alone",
            form=form,
            status=422 if form.is_bound else 200,
            submit="Set the numbers",
            back=back,
        )
