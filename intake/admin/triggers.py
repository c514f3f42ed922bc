"""Triggers in the console: listed, made, changed, deleted, and tried on stored events before they are saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin
from django.http import Http404
from django.template.response import TemplateResponse

from automations.admin.schedules import DeletedFilter, DeleteForm
from infra_shared.admin.base import ConsoleAdmin, actor
from infra_shared.reach import customers_of
from infra_shared.templatetags.console import pill, span, when
from intake.admin import wording
from intake.admin.event_filters import SourceFilter
from intake.admin.trials import trial_of, types_of
from intake.admin.trigger_form import TriggerForm, values_of
from intake.errors import IntakeInvalidError
from intake.models import Event, Match, Source, Trigger
from intake.services.triggers import change_trigger, create_trigger, delete_trigger, input_of

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

MATCHES_SHOWN = 15
SHOWN_BESIDE = ("intake.view_event",)
"""The form shows stored events and what is in them."""


@admin.register(Trigger)
class TriggerAdmin(ConsoleAdmin):
    """What starts what."""

    customer_field = "source__customer__key"
    list_display = ("name", "state", "when_in_words", "what", "dedupe", "customer")
    list_select_related = ("source__customer", "automation")
    list_filter = (SourceFilter, "automation", DeletedFilter)
    search_fields = ("name__icontains", "event_type__startswith")
    search_help_text = "A word of the name, or the beginning of the type of event"
    ordering = ("name", "id")
    empty_words = (
        "No trigger yet",
        "A trigger starts an automation when an event comes. Make a source first, then press “New trigger”.",
    )

    def extra_pages(self) -> list[tuple[str, Any, str]]:
        """The form, its trial, and the end."""
        return [
            ("new/", self.create_view, "create"),
            ("trial/", self.trial_view, "trial"),
            ("<int:pk>/edit/", self.edit_view, "edit"),
            ("<int:pk>/trial/", self.trial_view, "trial_of"),
            ("<int:pk>/remove/", self.remove_view, "remove"),
        ]

    def list_tools(self, request: HttpRequest) -> list[tuple[str, str]]:
        """The button to make one."""
        return [("New trigger", self.url("create"))] if self.may(request, "add") else []

    @admin.display(description="State")
    def state(self, trigger: Trigger) -> str:
        """Whether events are held against it."""
        if trigger.deleted_at is not None:
            return pill("deleted")
        return pill("active") if trigger.is_enabled else pill("paused", "disabled")

    @admin.display(description="When")
    def when_in_words(self, trigger: Trigger) -> str:
        """Which events it takes."""
        return (
            f"{trigger.event_type or 'any event'} of {trigger.source}{', filtered' if trigger.filter else ''}"
        )

    @admin.display(description="Starts")
    def what(self, trigger: Trigger) -> str:
        """What it runs."""
        return trigger.automation.title

    @admin.display(description="Same params, one run")
    def dedupe(self, trigger: Trigger) -> str:
        """Within which time the same params start one run."""
        return f"within {span(trigger.dedupe_seconds)}" if trigger.dedupe_seconds else "no: each its own"

    @admin.display(description="Customer")
    def customer(self, trigger: Trigger) -> str:
        """On whose behalf its runs happen."""
        return str(trigger.source.customer)

    def row_page(self, request: HttpRequest, trigger: Trigger) -> HttpResponse:
        """One trigger: what it says, and what it made of the latest events."""
        is_there = trigger.deleted_at is None
        matches = (
            Match.objects.filter(trigger=trigger).select_related("event", "run__automation").order_by("-id")
        )
        tools = [("Change", self.url("edit", trigger.pk))] if is_there and self.may(request, "change") else []
        return self.page(
            request,
            "review/intake/trigger/page.html",
            title=trigger.name,
            trigger=trigger,
            tools=tools,
            state=self.state(trigger),
            dedupe=self.dedupe(trigger),
            made=when(trigger.created_at),
            matches=[(match, wording.match_pill(match)) for match in matches[:MATCHES_SHOWN]],
            may_delete=is_there and self.may(request, "delete"),
        )

    def create_view(self, request: HttpRequest) -> HttpResponse:
        """The form of a new trigger; `?event=` begins with an event, `?source=` with a source."""
        self.require(request, "add")
        self.require_all(request, *SHOWN_BESIDE)
        event = self._event(request)
        initial: dict[str, Any] = {"source": event.source_id if event else request.GET.get("source")}
        if event is not None:
            initial["event_type"] = event.type
        form = TriggerForm(request.POST or None, initial=initial, sources=self._sources(request))
        return self._edit(request, form, event=event)

    def edit_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The form of an existing trigger."""
        self.require(request, "change")
        self.require_all(request, *SHOWN_BESIDE)
        trigger = self.present(request, pk)
        form = TriggerForm(
            request.POST or None, initial=values_of(trigger), sources=self._sources(request), present=trigger
        )
        return self._edit(request, form, event=self._event(request), trigger=trigger)

    def trial_view(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        """What the trigger as entered so far would make of stored events: a part of the form that updates itself."""
        self.require(request, "add" if pk is None else "change")
        self.require_all(request, *SHOWN_BESIDE)
        trigger = self.present(request, pk) if pk is not None else None
        initial = values_of(trigger) if trigger else None
        form = TriggerForm(
            request.POST or request.GET, initial=initial, sources=self._sources(request), present=trigger
        )
        trial = trial_of(form.draft(), event=self._event(request))
        return TemplateResponse(request, "review/intake/trigger/trial.html", trial)

    def remove_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Delete a trigger after asking; what it made of events stays."""
        self.require(request, "delete")
        trigger = self.present(request, pk)
        form = DeleteForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            delete_trigger(trigger=trigger, actor=actor(request), reason=form.cleaned_data["reason"])
            return self.done(request, f"{trigger.name} is deleted.", self.url("changelist"))
        return self.page(
            request,
            "review/form.html",
            title=f"Delete {trigger.name}",
            form=form,
            submit="Delete the trigger",
            back=self.url("change", pk),
            warning="It starts nothing any more, and cannot be brought back. What it made of events, and their runs, stay.",
        )

    def present(self, request: HttpRequest, pk: int) -> Trigger:
        """The trigger of a page that changes it; Http404 for one that is deleted."""
        trigger: Trigger = self.found(request, pk)
        if trigger.deleted_at is not None:
            msg = f"The trigger {pk} is deleted."
            raise Http404(msg)
        return trigger

    def _edit(
        self,
        request: HttpRequest,
        form: TriggerForm,
        *,
        event: Event | None,
        trigger: Trigger | None = None,
    ) -> HttpResponse:
        """Take the form and save it; or show it, with what it would do to stored events."""
        wants_trial = "try" in request.POST
        # Before anything is found wrong: a field that is, is not among what was entered any more.
        draft = form.draft() if form.is_bound else (input_of(trigger) if trigger else None)
        if not wants_trial and form.is_valid():
            try:
                saved = _save(form, trigger, actor(request))
            except IntakeInvalidError as error:
                form.show_problems(error.problems)
            else:
                said = "is changed" if trigger else "is made"
                return self.done(request, f"The trigger {saved.name} {said}.", self.url("change", saved.pk))
        source = str(draft.source.pk if draft else form.initial.get("source"))
        asked = f"?event={event.pk}" if event else ""
        trial = self.url("trial_of", trigger.pk) if trigger else self.url("trial")
        return self.page(
            request,
            "review/intake/trigger/form.html",
            title=f"Change {trigger.name}" if trigger else "New trigger",
            status=422 if form.is_bound and not wants_trial else 200,
            form=form,
            event=event,
            types=types_of(int(source) if source.isdigit() else None),
            trial_url=f"{trial}{asked}",
            back=self.url("change", trigger.pk) if trigger else self.url("changelist"),
            **trial_of(draft, event=event),
        )

    def _sources(self, request: HttpRequest) -> Any:
        """The sources the operator may choose from."""
        rows = Source.objects.present().for_customers(customers_of(request.user))
        return rows.select_related("customer").order_by("slug")

    def _event(self, request: HttpRequest) -> Event | None:
        """The event the address names, within reach; None where it names none."""
        try:
            wanted = UUID(request.GET.get("event", ""))
        except ValueError:
            return None
        rows = Event.objects.for_customers(customers_of(request.user))
        return rows.select_related("source", "customer", "blob").filter(pk=wanted).first()


def _save(form: TriggerForm, trigger: Trigger | None, who: str) -> Trigger:
    if trigger is None:
        return create_trigger(wanted=form.wanted(), actor=who)
    return change_trigger(trigger=trigger, wanted=form.wanted(), actor=who)
