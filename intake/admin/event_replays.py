"""Replays in the console: of one event by a button, of all that the inbox shows after a look at which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from infra_shared.admin.base import ConsoleAdmin, actor
from infra_shared.database import database_now
from infra_shared.moments import moment_of
from infra_shared.reach import customers_of
from intake.admin.event_filters import UnfitFilterError, filter_of
from intake.admin.wording import event_pill
from intake.errors import IntakeInvalidError, ReplayRefusedError
from intake.services.replays import ReplayRequest, plan_replays, replay_event, replay_events

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse

    from intake.models import Event


class ReplayForm(forms.Form):
    """Why events are routed again. `number` is the one the replay shall have: sent twice, it is made once."""

    reason = forms.CharField(
        required=False,
        max_length=500,
        label="Reason",
        help_text="Kept with the replay and in the audit log.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    number = forms.IntegerField(min_value=1, widget=forms.HiddenInput)


class ManyForm(forms.Form):
    """Why many are, and up to which moment: what came after the look is not meant."""

    reason = ReplayForm.base_fields["reason"]
    before = forms.CharField(widget=forms.HiddenInput)

    def clean_before(self) -> datetime:
        """The moment of the look."""
        try:
            return moment_of(self.cleaned_data["before"])
        except ValueError as error:
            raise forms.ValidationError("Open the page anew.") from error


class EventReplays(ConsoleAdmin):
    """The buttons that replay, and the page behind the one for many."""

    def extra_pages(self) -> list[tuple[str, Any, str]]:
        """One, and many."""
        return [
            ("<uuid:pk>/replay/", self.replay_view, "replay"),
            ("replay/", self.replay_many_view, "replay_many"),
            *super().extra_pages(),
        ]

    def list_tools(self, request: HttpRequest) -> list[tuple[str, str]]:
        """The button for many, once the list is narrowed."""
        query = request.GET.urlencode()
        if not query or not self.may(request, "replay"):
            return []
        return [("Replay these", f"{self.url('replay_many')}?{query}")]

    def replay_context(self, request: HttpRequest, event: Event) -> dict[str, Any]:
        """The form that replays, for who may, and whether it can be done now.

        The form is there before it can be used: the page may be opened while the event waits, and goes on by itself.
        """
        form = ReplayForm(initial={"number": event.replay + 1}) if self.may(request, "replay") else None
        return {"replay_form": form, "can_replay": form is not None and event.is_final}

    def replay_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Route the event again; while the last replay is at work, nothing new is made."""
        self.require(request, "replay")
        event, back = self.found(request, pk), self.url("change", pk)
        form = ReplayForm(request.POST or None)
        if request.method != "POST" or not form.is_valid():
            return self.refused(request, "Use the button to replay an event.", back)
        wanted = ReplayRequest(
            actor=actor(request), reason=form.cleaned_data["reason"], number=form.cleaned_data["number"]
        )
        try:
            given = replay_event(event=event, request=wanted)
        except ReplayRefusedError as error:
            return self.refused(request, str(error), back)
        if not given.created:
            said = f"Nothing new was made: replay {given.replay.number} is there already."
            return self.done(request, said, back)
        return self.done(request, "The event is routed again, by the triggers as they are now.", back)

    def replay_many_view(self, request: HttpRequest) -> HttpResponse:
        """Say which events would be routed again; do so when confirmed."""
        self.require(request, "replay")
        back = f"{self.url('changelist')}?{request.GET.urlencode()}"
        form = ManyForm(request.POST or None, initial={"before": database_now().isoformat()})
        before = form.cleaned_data["before"] if form.is_valid() else database_now()
        try:
            customers = customers_of(request.user)
            wanted = filter_of(request.GET, before=before, customers=customers)
            plan = plan_replays(wanted=wanted, customers=customers)
        except (UnfitFilterError, IntakeInvalidError) as error:
            return self.refused(request, str(error), back)
        if form.is_bound and form.is_valid():
            asked = ReplayRequest(actor=actor(request), reason=form.cleaned_data["reason"])
            count = replay_events(wanted=wanted, request=asked, customers=customers)
            return self.done(request, f"{count} event{'' if count == 1 else 's'} will be routed again.", back)
        conditions = {name: value for name, value in wanted.in_words().items() if name != "stored_before"}
        return self.page(
            request,
            "review/intake/event/replay_many.html",
            title="Replay these events",
            plan=plan,
            sample=[(event, event_pill(event)) for event in plan.sample],
            conditions=list(conditions.items()),
            form=form,
            back=back,
        )
