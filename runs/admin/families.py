"""Failures grouped by what went wrong, and the rerun of a whole group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.utils.html import format_html

from infra_shared.admin.base import ConsoleAdmin, actor
from infra_shared.templatetags.console import NOTHING, when
from runs.admin import wording
from runs.models import FailureFamily
from runs.services.families import MOST, open_runs, rerun_family
from runs.services.requests import Origin
from runs.states import Cause

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@admin.register(FailureFamily)
class FamilyAdmin(ConsoleAdmin):
    """Families, the one seen last first."""

    customer_field = "customer__key"
    list_display = ("told", "automation", "stage_title", "customer", "count", "first", "last")
    list_display_links = ("told",)
    list_select_related = ("automation__latest_version", "customer")
    list_filter = ("failure_kind", "automation", "customer")
    search_fields = ("automation__key__startswith",)
    search_help_text = "The beginning of an automation's key"
    ordering = ("-last_seen_at", "-id")
    list_title = "Failures that look alike"
    empty_words = ("No failure yet", "When runs fail, those that failed alike stand here as one line.")

    def extra_pages(self) -> list[tuple[str, Any, str]]:
        """Rerunning all of one."""
        return [("<int:pk>/rerun/", self.rerun_view, "rerun")]

    @admin.display(description="What happened")
    def told(self, family: FailureFamily) -> str:
        """The kind in words, and under it what they all say, with # for numbers that differ."""
        return format_html(
            '<span class="c-nowrap">{0}</span><span class="c-clip c-under" title="{1}">{1}</span>',
            _in_words(family),
            family.message,
        )

    @admin.display(description="Stage")
    def stage_title(self, family: FailureFamily) -> str:
        """Where in the automation."""
        return _stage_title(family) or NOTHING

    @admin.display(description="First seen")
    def first(self, family: FailureFamily) -> str:
        """When the first of them ended."""
        return when(family.first_seen_at)

    @admin.display(description="Last seen")
    def last(self, family: FailureFamily) -> str:
        """When the newest of them ended."""
        return when(family.last_seen_at)

    def row_page(self, request: HttpRequest, family: FailureFamily) -> HttpResponse:
        """One family with its open failures."""
        runs = open_runs(family=family)
        may_rerun = bool(runs) and request.user.has_perm("runs.request_run")
        title = f"Rerun all {len(runs)}" if len(runs) > 1 else "Rerun it"
        return self.page(
            request,
            "review/family.html",
            title=_in_words(family),
            family=family,
            stage=_stage_title(family),
            runs=[(run, wording.failure_sentence(run)) for run in runs],
            is_capped=len(runs) == MOST,
            tools=[(title, self.url("rerun", family.pk))] if may_rerun else [],
        )

    def rerun_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Rerun every open failure of the family after asking."""
        self.require_all(request, "runs.request_run")
        family: FailureFamily = self.found(request, pk)
        back = self.url("change", pk)
        if request.method != "POST":
            count = len(open_runs(family=family))
            return self.page(
                request,
                "review/form.html",
                title=f"Rerun {count} run{'s' if count != 1 else ''} of {family.automation}",
                form=forms.Form(),
                submit="Rerun them",
                back=back,
                warning="Each is run again with its own params, on the latest version. What counts once happens again.",
            )
        origin = Origin(cause=Cause.RERUN, actor=actor(request))
        outcome = rerun_family(family=family, origin=origin)
        if not outcome.made:
            said = (
                outcome.refused[0] if outcome.refused else "Nothing is open: none of them waits for a rerun."
            )
            return self.refused(request, said, back)
        count = len(outcome.made)
        more = f" {len(outcome.refused)} could not be: {outcome.refused[0]}" if outcome.refused else ""
        return self.done(request, f"{count} rerun{'s are' if count != 1 else ' is'} on the way.{more}", back)


def _in_words(family: FailureFamily) -> str:
    return wording.failure_in_words(family.failure_kind) or "It failed"


def _stage_title(family: FailureFamily) -> str:
    version = family.automation.latest_version
    stages = version.stages if version is not None else []
    return next((str(item["title"]) for item in stages if item["name"] == family.stage), family.stage)
