"""The list of runs, the run page, and what an operator can do with a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.html import format_html

from infra_shared.blobs.protocol import BlobError
from infra_shared.templatetags.console import pill, span, when
from runs.admin import evidence, wording
from runs.admin.api_call import api_call
from runs.admin.bulk_pages import BulkActions
from runs.admin.downloads import archive_view, result_file
from runs.admin.heal_views import may_see_heals
from runs.admin.run_actions import RunActions
from runs.admin.run_filters import AttentionFilter, MomentFilter, SessionFilter
from runs.admin.run_log import read_log_page
from runs.admin.run_page import read_run_page, stamp_of
from runs.admin.step_details import read_details
from runs.admin.trace_viewer import file_view, viewer_url
from runs.errors import RunsError
from runs.models import Run, Step
from runs.services.run_filter import searched
from runs.states import FAILED_RUNS, WAITING_RUNS, RunState

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.urls import URLPattern

    from runs.models import RunQuerySet

STOP_POLLING = 286
"""htmx swaps the answer in and asks no more."""
NOTHING_NEW = 204
USUAL_FILTERS = (
    ("All", ""),
    ("Needs a person", f"state__exact={RunState.WAITING_INPUT}"),
    ("Open failures", "attention=open"),
    ("All failures", f"state__in={','.join(sorted(FAILED_RUNS))}"),
    ("Running", f"state__exact={RunState.RUNNING}"),
    ("Waiting", f"state__in={','.join(sorted(WAITING_RUNS))}"),
    ("Succeeded", f"state__exact={RunState.SUCCEEDED}"),
    ("Pinned", "attention=pinned"),
)


@admin.register(Run)
class RunAdmin(BulkActions, RunActions):
    """Runs, newest first."""

    customer_field = "customer__key"
    list_display = ("state_pill", "what", "problem", "customer", "why", "asked", "took")
    list_display_links = ("state_pill", "what")
    list_select_related = ("automation", "customer")
    list_filter = (
        AttentionFilter,
        MomentFilter,
        "state",
        "failure_kind",
        "cause",
        SessionFilter,
        "automation",
        "customer",
    )
    search_fields = ("automation__key__startswith",)
    search_help_text = "Run id, or the beginning of an automation or customer key"
    ordering = ("-id",)
    usual_filters = USUAL_FILTERS
    empty_words = ("No run here", "Open an automation and press “Run now”, or make a schedule for it.")

    def extra_pages(self) -> list[tuple[str, Any, str]]:
        """The parts of the run page that update themselves, and the actions."""
        return [
            ("<uuid:pk>/live/", self.live_view, "live"),
            ("<uuid:pk>/steps/<int:step_pk>/", self.step_view, "step"),
            ("<uuid:pk>/log/", self.log_view, "log"),
            ("<uuid:pk>/result.<slug:form>", self.result_view, "result"),
            *super().extra_pages(),
        ]

    def site_urls(self) -> list[URLPattern]:
        """The archive, which streams, and the viewer of traces."""
        return [
            path("runs/run/<uuid:pk>/everything.zip", archive_view, name="runs_run_archive"),
            path("trace/<path:name>", self.admin_site.admin_view(file_view), name="trace_viewer"),
        ]

    def get_search_results(
        self, request: HttpRequest, queryset: RunQuerySet, search_term: str
    ) -> tuple[RunQuerySet, bool]:
        """One run by its id; else those of automations or customers whose key begins so: both are indexed."""
        return searched(queryset, search_term.strip()), False

    @admin.display(description="State")
    def state_pill(self, run: Run) -> str:
        """Where it is in its life."""
        return pill(run.state, run.get_state_display())

    @admin.display(description="Automation")
    def what(self, run: Run) -> str:
        """What runs."""
        return format_html(
            '<span class="c-strong">{}</span> <span class="c-id">{}</span>',
            run.automation.title,
            run.short_id,
        )

    @admin.display(description="What happened")
    def problem(self, run: Run) -> str:
        """Why it failed, in one sentence."""
        sentence = wording.failure_sentence(run) or (run.state_reason if not run.is_terminal else "")
        return (
            format_html('<span class="c-clip" title="{}">{}</span>', sentence, sentence) if sentence else ""
        )

    @admin.display(description="Cause")
    def why(self, run: Run) -> str:
        """Why it exists."""
        return wording.cause(run).text

    @admin.display(description="Started")
    def asked(self, run: Run) -> str:
        """When its first attempt began."""
        return when(run.started_at, empty="not yet")

    @admin.display(description="Took")
    def took(self, run: Run) -> str:
        """How long it took, or takes so far."""
        taken = span(evidence.duration_of(run, timezone.now()))
        return format_html('<span class="c-nowrap">{}</span>', taken)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Run | None:
        """One run with what its page names."""
        try:
            pk = UUID(str(object_id))
        except ValueError:
            return None
        rows = Run.objects.select_related(
            "automation__latest_version",
            "version__automation",
            "customer",
            "rerun_of",
            "result_artifact__blob",
        )
        found: Run | None = self.within_reach(request, rows).filter(pk=pk).first()
        return found

    def row_page(self, request: HttpRequest, run: Run) -> HttpResponse:
        """The run page."""
        context = self._run_context(request, run)
        return self.page(request, "review/run/page.html", title=f"Run {run.short_id}", **context)

    def live_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """The changing part of the run page: nothing while nothing happened, and the end of asking at the end."""
        self.require(request, "view")
        run: Run = self.found(request, pk)
        if not run.is_terminal and request.GET.get("seen") == stamp_of(run):
            return HttpResponse(status=NOTHING_NEW)
        status = STOP_POLLING if run.is_terminal else 200
        return TemplateResponse(
            request, "review/run/body.html", self._run_context(request, run), status=status
        )

    def step_view(self, request: HttpRequest, pk: UUID, step_pk: int) -> HttpResponse:
        """One opened step: its pictures, files, target and how it was found."""
        self.require(request, "view")
        run: Run = self.found(request, pk)
        step = Step.objects.select_related("attempt").filter(pk=step_pk, attempt__run=run).first()
        if step is None:
            return HttpResponse(
                "This step is no longer there. Reload the page.", status=404, content_type="text/plain"
            )
        view = evidence.read_attempt(step.attempt, {})
        chosen = next(item for item in view.steps if item.step.pk == step.pk)
        shown = {
            "view": chosen,
            "details": read_details(step),
            "sibling": evidence.same_in_last_success(run, chosen, view),
            "may_see_heals": may_see_heals(request),
        }
        return TemplateResponse(request, "review/run/step.html", shown)

    def log_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Log lines of an attempt: a part of the run page, or a page of their own."""
        self.require(request, "view")
        if not request.user.has_perm("runs.view_artifact"):
            raise PermissionDenied
        run: Run = self.found(request, pk)
        log = read_log_page(run, request.GET)
        if "HX-Request" in request.headers and log is not None:
            return TemplateResponse(request, "review/run/log.html", {"run": run, "log": log})
        title = f"Log of run {run.short_id}"
        return self.page(request, "review/run/log_page.html", title=title, run=run, log=log)

    def result_view(self, request: HttpRequest, pk: UUID, form: str) -> HttpResponse:
        """The result as a file: JSON, JSON Lines or CSV."""
        self.require(request, "view")
        run: Run = self.found(request, pk)
        try:
            return result_file(run, form)
        except (RunsError, BlobError) as error:
            return self.refused(request, str(error), wording.run_url(pk))

    def _run_context(self, request: HttpRequest, run: Run) -> dict[str, Any]:
        number = request.GET.get("attempt", "")
        page = read_run_page(run, attempt_number=int(number) if number.isdigit() else None)
        trace = next((file for file in (page.shown.files if page.shown else ()) if file.is_trace), None)
        return {
            "page": page,
            "run": run,
            "asked_attempt": number,
            "allowed": self.allowed(request, run),
            **self.question_context(run),
            "may_see_files": request.user.has_perm("runs.view_artifact"),
            "trace_url": viewer_url(trace.artifact) if trace is not None else "",
            "api_call": api_call(run, request.build_absolute_uri("/api/v1/runs")),
        }
