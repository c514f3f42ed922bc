"""Automation pages, completed: their runs, and "run now"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Prefetch
from django.urls import reverse

from automations.admin.automations import AutomationPages, describe
from automations.errors import ParamsInvalidError
from automations.forms.customers import offer_customers
from automations.forms.params import ParamsForm
from automations.forms.schemas import params_schema_of
from automations.models import Automation
from infra_shared.admin.base import actor
from infra_shared.models import ALL
from infra_shared.reach import customers_of
from runs.admin import wording
from runs.admin.asking import OptionsForm
from runs.admin.figures import figures_of, read_chart
from runs.admin.health import dots, recent_of, typical
from runs.errors import RunsError
from runs.models import AutomationHealth, Run
from runs.services.requests import Origin, RunRequest, request_run
from runs.states import Cause

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

RUNS_SHOWN = 10
VERSIONS_SHOWN = 10


@admin.register(Automation)
class AutomationAdmin(AutomationPages):
    """Automations with what became of them."""

    list_display = ("title", "state", "lately", "typical_time", "stages_in_words", "version")

    def extra_pages(self) -> list[tuple[str, Any, str]]:
        """Run now, and what a version changed."""
        return [
            *super().extra_pages(),
            ("<int:pk>/run/", self.run_view, "run"),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Automation]:
        """With what a list or page says of each, so that it is not asked for row by row."""
        customers = customers_of(request.user)
        health = AutomationHealth.objects.all()
        if ALL not in customers:
            health = health.filter(customer__key__in=customers)
        return (
            super()
            .get_queryset(request)
            .select_related("latest_version__automation")
            .prefetch_related(Prefetch("health", health, to_attr="reached_health"))
        )

    @admin.display(description="Last 20 runs")
    def lately(self, automation: Any) -> str:
        """How its latest runs ended."""
        return dots(recent_of(automation.reached_health))

    @admin.display(description="Takes: half / 95 %")
    def typical_time(self, automation: Any) -> str:
        """How long its latest successes took."""
        return typical(recent_of(automation.reached_health))

    def row_page(self, request: HttpRequest, automation: Automation) -> HttpResponse:
        """One automation: what it does, what it wants to know, its versions and its last runs."""
        runnable = automation.is_runnable
        tools = []
        if runnable and request.user.has_perm("runs.request_run"):
            tools.append(("Run now", self.url("run", automation.pk)))
        if runnable and request.user.has_perm("automations.add_schedule"):
            tools.append(("Schedule it", _schedule_url(automation)))
        tools += self.flow_tools(request, automation)
        customers = customers_of(request.user)
        rows = Run.objects.for_customers(customers).filter(automation=automation)
        runs = rows.select_related("customer", "automation").order_by("-id")
        schedules = automation.schedules.present().order_by("name")
        if ALL not in customers:
            schedules = schedules.filter(customer__key__in=customers)
        query = f"&automation__id__exact={automation.pk}"
        figures = figures_of(customers=customers, automation_id=automation.pk)
        return self.page(
            request,
            "review/automation/page.html",
            title=automation.title,
            automation=automation,
            tools=tools,
            versions=automation.versions.defer("source").order_by("-number")[:VERSIONS_SHOWN],
            schedules=schedules,
            chart=read_chart(figures, query=query),
            runs=[(run, wording.failure_sentence(run)) for run in runs[:RUNS_SHOWN]],
            **describe(automation.latest_version),
        )

    def run_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for the params, then for the run."""
        self.require_all(request, "runs.request_run")
        automation: Automation = self.found(request, pk)
        version = automation.latest_version
        if version is None or not automation.is_runnable:
            return self.refused(
                request, "This automation cannot be run: it has no published version.", self.url("change", pk)
            )
        form = ParamsForm(params_schema_of(version), request.POST or None, files=request.FILES or None)
        options = OptionsForm(
            request.POST or None, initial={"evidence_level": version.options.get("evidence")}
        )
        offer_customers(options, request.user)
        valid = form.is_valid() & options.is_valid()
        customer = options.cleaned_data["customer"] if valid else None
        if customer is not None and form.keep_files(customer=customer, actor=actor(request)):
            wanted = RunRequest(
                automation=automation.key,
                params=form.params(),
                customer=customer.key,
                evidence_level=options.cleaned_data["evidence_level"],
                priority=options.cleaned_data["priority"] or 0,
            )
            try:
                made = request_run(request=wanted, origin=Origin(cause=Cause.OPERATOR, actor=actor(request)))
            except ParamsInvalidError as error:
                form.show_problems(error.problems)
            except RunsError as error:
                options.add_error(None, str(error))
            else:
                return self.done(request, "The run is on its way.", wording.run_url(made.run.pk))
        return self.page(
            request,
            "review/run/ask.html",
            title=f"Run {automation.title}",
            form=form,
            options=options,
            submit="Run now",
            back=self.url("change", pk),
            status=422 if form.is_bound else 200,
        )


def _schedule_url(automation: Automation) -> str:
    return reverse("admin:automations_schedule_create", args=[automation.key])
