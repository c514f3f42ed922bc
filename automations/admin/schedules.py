"""Schedules: listed, made, changed, paused, resumed. `runs.admin` adds the occurrences and registers the pages."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.http import Http404
from django.template.response import TemplateResponse
from django.utils import timezone

from automations import fire_times
from automations.admin.schedule_preview import preview_of
from automations.errors import FieldProblem, ScheduleInvalidError
from automations.forms.customers import offer_customers
from automations.forms.params import ParamsForm, without_secrets
from automations.forms.schedules import ScheduleForm, new_values, values_of, zones
from automations.forms.schemas import params_schema_of
from automations.models import Automation, AutomationVersion, Schedule
from automations.services.schedules import (
    change_schedule,
    create_schedule,
    delete_schedule,
    pause_schedule,
    resume_schedule,
)
from infra_shared.admin.base import ConsoleAdmin, actor
from infra_shared.templatetags.console import pill, when

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse


class PauseForm(forms.Form):
    """Why a schedule stops firing."""

    reason = forms.CharField(
        required=False,
        max_length=500,
        label="Reason",
        help_text="Shown beside the schedule until it is resumed.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class DeleteForm(forms.Form):
    """Why a schedule is deleted."""

    reason = forms.CharField(
        required=False,
        max_length=500,
        label="Reason",
        help_text="Kept in the audit log.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class DeletedFilter(admin.SimpleListFilter):
    """Deleted schedules are listed only when they are asked for."""

    title = "deleted"
    parameter_name = "deleted"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The one other choice."""
        return [("yes", "Deleted ones")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Those that are there, or those that were deleted."""
        return queryset.filter(deleted_at__isnull=self.value() != "yes")


class SchedulePages(ConsoleAdmin):
    """The list of schedules, their form with its preview, and pausing."""

    customer_field = "customer__key"
    list_display = ("name", "state", "what", "rule_in_words", "next_fire", "customer")
    list_select_related = ("automation", "customer")
    list_filter = ("kind", "automation", "customer", DeletedFilter)
    search_fields = ("name__icontains", "automation__key__startswith")
    search_help_text = "A word of the name, or the key of the automation"
    ordering = ("name", "id")
    empty_words = (
        "No schedule yet",
        "A schedule runs an automation by itself. Make one with the button above.",
    )

    def extra_pages(self) -> list[tuple[str, Any, str]]:
        """The form, its preview, pausing and resuming."""
        return [
            ("new/", self.choose_view, "choose"),
            ("new/<slug:key>/", self.create_view, "create"),
            ("preview/", self.preview_view, "preview"),
            ("<int:pk>/edit/", self.edit_view, "edit"),
            ("<int:pk>/pause/", self.pause_view, "pause"),
            ("<int:pk>/resume/", self.resume_view, "resume"),
            ("<int:pk>/delete/", self.delete_schedule_view, "remove"),
        ]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Schedule], search_term: str
    ) -> tuple[QuerySet[Schedule], bool]:
        """What a word finds; the command palette, which knows no filters, finds no deleted schedule."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        if request.GET.get(DeletedFilter.parameter_name) != "yes":
            found = found.filter(deleted_at__isnull=True)
        return found, may_repeat

    def list_tools(self, request: HttpRequest) -> list[tuple[str, str]]:
        """The button to make one."""
        return [("New schedule", self.url("choose"))] if self.may(request, "add") else []

    @admin.display(description="State")
    def state(self, schedule: Schedule) -> str:
        """Whether it fires."""
        if schedule.deleted_at:
            return pill("deleted")
        return pill("paused") if schedule.paused_at else pill("active")

    @admin.display(description="Automation")
    def what(self, schedule: Schedule) -> str:
        """What it runs."""
        return schedule.automation.title

    @admin.display(description="Rule")
    def rule_in_words(self, schedule: Schedule) -> str:
        """When it fires, in words."""
        return fire_times.in_words(schedule.rule)

    @admin.display(description="Next")
    def next_fire(self, schedule: Schedule) -> str:
        """When it fires next."""
        if schedule.paused_at:
            return "paused"
        return when(schedule.next_fire_at, empty="never")

    def choose_view(self, request: HttpRequest) -> HttpResponse:
        """Ask which automation the new schedule is to run."""
        self.require(request, "add")
        automations = Automation.objects.runnable().order_by("title")
        return self.page(
            request, "review/schedule/choose.html", title="New schedule", automations=automations
        )

    def create_view(self, request: HttpRequest, key: str) -> HttpResponse:
        """The form of a new schedule."""
        self.require(request, "add")
        automation = _automation(key)
        if automation is None:
            return self.refused(
                request, f"There is no automation {key!r} that can be run.", self.url("choose")
            )
        form = ScheduleForm(request.POST or None, initial=new_values())
        return self._edit(request, automation, form, schedule=None)

    def edit_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The form of an existing schedule."""
        self.require(request, "change")
        schedule = self.present(request, pk)
        form = ScheduleForm(request.POST or None, initial=values_of(schedule))
        return self._edit(request, schedule.automation, form, schedule=schedule)

    def preview_view(self, request: HttpRequest) -> HttpResponse:
        """The rule as entered so far, in words, and when it would fire: a part of the form that updates itself."""
        self.require(request, "view")
        form = ScheduleForm(request.POST or request.GET)
        context = preview_of(form.rule(), spread_seconds=form.cleaned_data.get("spread_seconds") or 0)
        return TemplateResponse(request, "review/schedule/preview.html", context)

    def pause_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Pause a schedule, with a reason."""
        self.require(request, "change")
        schedule = self.present(request, pk)
        form = PauseForm(request.POST or None)
        if request.method != "POST" or not form.is_valid():
            title = f"Pause {schedule.name}"
            back = self.url("change", pk)
            submit = "Pause the schedule"
            return self.page(request, "review/form.html", title=title, form=form, submit=submit, back=back)
        reason = form.cleaned_data["reason"]
        if not pause_schedule(schedule=schedule, reason=reason, actor=actor(request)):
            return self.refused(request, "The schedule was paused already.", self.url("change", pk))
        return self.done(request, f"{schedule.name} is paused.", self.url("change", pk))

    def resume_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Resume a schedule; what would have fired meanwhile does not fire."""
        self.require(request, "change")
        schedule = self.present(request, pk)
        back = self.url("change", pk)
        if request.method != "POST":
            return self.refused(request, "Use the button to resume a schedule.", back)
        try:
            resumed = resume_schedule(schedule=schedule, actor=actor(request))
        except ScheduleInvalidError as error:
            return self.refused(request, str(error), back)
        if not resumed:
            return self.refused(request, "The schedule was not paused.", back)
        return self.done(request, f"{schedule.name} fires again, from now on.", back)

    def delete_schedule_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask, then delete a schedule; its history stays."""
        self.require(request, "delete")
        schedule = self.present(request, pk)
        form = DeleteForm(request.POST or None)
        if request.method != "POST" or not form.is_valid():
            return self.page(
                request,
                "review/form.html",
                title=f"Delete {schedule.name}",
                form=form,
                submit="Delete the schedule",
                back=self.url("change", pk),
                warning="It fires nothing any more, and cannot be brought back. Its page, its planned times and their "
                "runs stay.",
            )
        delete_schedule(schedule=schedule, actor=actor(request), reason=form.cleaned_data["reason"])
        return self.done(request, f"{schedule.name} is deleted.", self.url("changelist"))

    def present(self, request: HttpRequest, pk: int) -> Schedule:
        """The schedule of a page that changes it; Http404 for one that is deleted."""
        schedule: Schedule = self.found(request, pk)
        if schedule.deleted_at is not None:
            msg = f"The schedule {pk} is deleted."
            raise Http404(msg)
        return schedule

    def _edit(
        self, request: HttpRequest, automation: Automation, form: ScheduleForm, *, schedule: Schedule | None
    ) -> HttpResponse:
        """Take the form and save it, or show it with what does not fit."""
        offer_customers(form, request.user)
        version = (schedule.pinned_version if schedule else None) or automation.latest_version
        params_form = _params_form(request, version, schedule)
        valid = form.is_valid() & params_form.is_valid()
        who = actor(request)
        if valid and params_form.keep_files(customer=form.cleaned_data["customer"], actor=who):
            wanted = form.wanted(automation=automation, params=params_form.params())
            try:
                saved = _save(wanted, schedule, version, who)
            except ScheduleInvalidError as error:
                form.show_problems(error.problems)
                params_form.show_problems(_of_params(error.problems))
            else:
                said = "is changed" if schedule else "is made"
                return self.done(request, f"The schedule {saved.name} {said}.", self.url("change", saved.pk))
        rule = form.rule(schedule) if form.is_bound else _rule_of(schedule)
        return self.page(
            request,
            "review/schedule/form.html",
            title=f"Change {schedule.name}" if schedule else "New schedule",
            status=422 if form.is_bound else 200,
            form=form,
            params_form=params_form,
            automation=automation,
            schedule=schedule,
            zones=zones(),
            template_example=fire_times.EXAMPLE,
            template_shifted="{{ fire_at - 1 day:%d.%m.%Y }}",
            back=self.url("change", schedule.pk) if schedule else self.url("changelist"),
            **preview_of(rule, schedule=schedule),
        )


def _rule_of(schedule: Schedule | None) -> fire_times.TimeRule:
    if schedule is not None:
        return schedule.rule
    initial = str(ScheduleForm.base_fields["cron"].initial)
    return fire_times.TimeRule(
        kind=fire_times.CRON, cron=initial, time_zone=timezone.get_current_timezone_name()
    )


def _save(wanted: Any, schedule: Schedule | None, version: AutomationVersion | None, who: str) -> Schedule:
    if schedule is None:
        return create_schedule(wanted=wanted, actor=who)
    if schedule.pinned_version_id is not None:
        wanted = replace(wanted, pinned_version=version)
    return change_schedule(schedule=schedule, wanted=wanted, actor=who)


def _of_params(problems: list[FieldProblem]) -> list[FieldProblem]:
    return [problem for problem in problems if problem.field.startswith("params.")]


def _automation(key: str) -> Automation | None:
    rows = Automation.objects.runnable().filter(key=key).select_related("latest_version__automation")
    return rows.first()


def _params_form(
    request: HttpRequest, version: AutomationVersion | None, schedule: Schedule | None
) -> ParamsForm:
    schema = without_secrets(params_schema_of(version)) if version is not None else {}
    form = ParamsForm(
        schema,
        request.POST or None,
        files=request.FILES or None,
        values=schedule.params if schedule else None,
    )
    for field in form.fields.values():
        if getattr(field.widget, "input_type", "") == "date":
            field.widget.input_type = "text"  # a date's own input has no room for {{ fire_at:%Y-%m-%d }}
    return form
