"""The list of runs, the run page, and what an operator can do with a run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html

from automations.errors import ParamsInvalidError
from automations.forms.params import ParamsForm
from automations.forms.schemas import params_schema_of
from infra_shared.admin.base import ConsoleAdmin, actor
from infra_shared.blobs.protocol import BlobError
from infra_shared.templatetags.console import pill, span, when
from runs.admin import evidence, wording
from runs.admin.asking import OptionsForm
from runs.admin.run_page import read_run_page, stamp_of
from runs.errors import RunsError
from runs.models import Run, Step
from runs.services.cancelling import cancel_run
from runs.services.requests import Origin
from runs.services.reruns import rerun
from runs.services.result_formats import to_csv, to_json_lines
from runs.services.results import result_of
from runs.states import FAILED_RUNS, WAITING_RUNS, Cause, RunState

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import QuerySet
    from django.http import HttpRequest

STOP_POLLING = 286
"""htmx swaps the answer in and asks no more."""
NOTHING_NEW = 204
VIEWS = (
    ("All", ""),
    ("Needs a person", f"?state__exact={RunState.WAITING_INPUT}"),
    ("Failures", f"?state__in={','.join(sorted(FAILED_RUNS))}"),
    ("Running", f"?state__exact={RunState.RUNNING}"),
    ("Waiting", f"?state__in={','.join(sorted(WAITING_RUNS))}"),
    ("Succeeded", f"?state__exact={RunState.SUCCEEDED}"),
)
_FORMATS: dict[str, tuple[str, Callable[[dict[str, Any]], str]]] = {
    "json": ("application/json", lambda result: json.dumps(result, indent=2, ensure_ascii=False)),
    "jsonl": ("application/x-ndjson", to_json_lines),
    "csv": ("text/csv; charset=utf-8", to_csv),
}


class CancelForm(forms.Form):
    """Why a run is cancelled."""

    reason = forms.CharField(
        required=False,
        max_length=500,
        label="Reason",
        help_text="Kept in the log of the run.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )


@admin.register(Run)
class RunAdmin(ConsoleAdmin):
    """Runs, newest first."""

    list_display = ("state_pill", "what", "problem", "customer", "why", "asked", "took")
    list_display_links = ("state_pill", "what")
    list_select_related = ("automation", "customer")
    list_filter = ("state", "failure_kind", "cause", "automation", "customer")
    search_fields = ("automation__key__startswith",)
    search_help_text = "Run id, or the beginning of an automation or customer key"
    ordering = ("-id",)
    change_list_template = "review/change_list.html"
    empty_words = ("No run here", "Open an automation and press “Run now”, or make a schedule for it.")

    def extra_pages(self) -> list[tuple[str, Any, str]]:
        """The parts of the run page that update themselves, and the actions."""
        return [
            ("<uuid:pk>/live/", self.live_view, "live"),
            ("<uuid:pk>/steps/<int:step_pk>/", self.step_view, "step"),
            ("<uuid:pk>/result.<slug:form>", self.result_view, "result"),
            ("<uuid:pk>/rerun/", self.rerun_view, "rerun"),
            ("<uuid:pk>/cancel/", self.cancel_view, "cancel"),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list under the links to its usual filters."""
        asked = request.META.get("QUERY_STRING", "")
        views = [(title, query or "?", query.lstrip("?") == asked) for title, query in VIEWS]
        return self.list_page(request, "Runs", views=views)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Run], search_term: str
    ) -> tuple[QuerySet[Run], bool]:
        """One run by its id; else those of automations or customers whose key begins so: both are indexed."""
        term = search_term.strip()
        if not term:
            return queryset, False
        try:
            return queryset.filter(pk=UUID(term)), False
        except ValueError:
            by_automation = queryset.filter(automation__key__startswith=term)
            return by_automation | queryset.filter(customer__key__startswith=term), False

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
        return span(evidence.duration_of(run, timezone.now()))

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
        return rows.filter(pk=pk).first()

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The run page."""
        self.require(request, "view")
        run: Run = self.found(request, object_id)
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
        step = Step.objects.select_related("attempt").filter(pk=step_pk, attempt__run_id=pk).first()
        if step is None:
            return HttpResponse(
                "This step is no longer there. Reload the page.", status=404, content_type="text/plain"
            )
        view = evidence.read_attempt(step.attempt, {})
        chosen = next(item for item in view.steps if item.step.pk == step.pk)
        return TemplateResponse(request, "review/run/step.html", {"view": chosen})

    def result_view(self, request: HttpRequest, pk: UUID, form: str) -> HttpResponse:
        """The result as a file: JSON, JSON Lines or CSV."""
        self.require(request, "view")
        run: Run = self.found(request, pk)
        content_type, write = _FORMATS.get(form, _FORMATS["json"])
        try:
            body = write(result_of(run=run))
        except (RunsError, BlobError) as error:
            return self.refused(request, str(error), wording.run_url(pk))
        name = f"{run.automation.key}-{run.short_id}.{form if form in _FORMATS else 'json'}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return HttpResponse(body, content_type=content_type, headers=headers)

    def rerun_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Ask for a new run like this one, with a form of its params to change."""
        self.require(request, "change")
        run: Run = self.found(request, pk)
        latest = run.automation.latest_version or run.version
        form = ParamsForm(params_schema_of(latest), request.POST or None, values=run.params)
        options = OptionsForm(request.POST or None, initial={"evidence_level": run.evidence_level})
        del options.fields["customer"]
        if request.method == "POST" and form.is_valid() & options.is_valid():
            params = form.params()
            try:
                made = rerun(
                    run=run,
                    origin=Origin(cause=Cause.RERUN, actor=actor(request)),
                    params=params if params != run.params else None,
                    evidence_level=options.cleaned_data["evidence_level"],
                )
            except ParamsInvalidError as error:
                form.show_problems(error.problems)
            except RunsError as error:
                options.add_error(None, str(error))
            else:
                return self.done(request, "The rerun is on its way.", wording.run_url(made.run.pk))
        title = f"Rerun {run.automation.title}"
        return self.page(
            request,
            "review/run/ask.html",
            title=title,
            form=form,
            options=options,
            submit="Rerun",
            back=wording.run_url(pk),
            newer=latest if latest.pk != run.version_id else None,
            run=run,
            status=422 if form.is_bound else 200,
        )

    def cancel_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Cancel a run after asking."""
        self.require(request, "change")
        run: Run = self.found(request, pk)
        form = CancelForm(request.POST or None)
        if request.method != "POST" or not form.is_valid():
            at_work = run.state == RunState.RUNNING
            return self.page(
                request,
                "review/form.html",
                title=f"Cancel {run.automation.title} {run.short_id}",
                form=form,
                submit="Cancel the run",
                back=wording.run_url(pk),
                warning="The step at work is finished first; what was seen so far is kept."
                if at_work
                else "",
            )
        try:
            cancelled = cancel_run(run=run, actor=actor(request), reason=form.cleaned_data["reason"])
        except RunsError as error:
            return self.refused(request, str(error), wording.run_url(pk))
        return self.done(request, f"The run is {cancelled.get_state_display().lower()}.", wording.run_url(pk))

    def _run_context(self, request: HttpRequest, run: Run) -> dict[str, Any]:
        number = request.GET.get("attempt", "")
        page = read_run_page(run, attempt_number=int(number) if number.isdigit() else None)
        may_act = self.may(request, "change")
        return {
            "page": page,
            "run": run,
            "asked_attempt": number,
            "may_rerun": may_act and run.is_terminal,
            "may_cancel": may_act and not run.is_terminal and run.state != RunState.CANCELLING,
        }
