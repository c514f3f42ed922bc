"""Alerts: what is wrong, since when, who was told, and who takes it on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import Q
from django.http import Http404
from django.utils import timezone

from infra_shared.admin.base import actor
from infra_shared.admin.customers import CustomersByName
from infra_shared.models import Alert, OutboxMessage
from infra_shared.reach import reaches_all
from infra_shared.services.alerts import acknowledge, mute, unmute
from infra_shared.services.undelivered import send_again
from infra_shared.templatetags.console import pill, when
from runs.services.alerts import RULES

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

MOST_DELIVERIES = 50
_HOURS = ((1, "1 hour"), (4, "4 hours"), (24, "1 day"), (24 * 7, "1 week"), (24 * 30, "30 days"))


class AcknowledgeForm(forms.Form):
    """What the others should know."""

    note = forms.CharField(
        required=False,
        max_length=500,
        label="Note",
        help_text="Shown beside the alert, such as what you are doing about it.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class MuteForm(forms.Form):
    """For how long, and why."""

    hours = forms.TypedChoiceField(choices=_HOURS, coerce=int, initial=4, label="Mute it for")
    reason = forms.CharField(
        max_length=500,
        label="Reason",
        help_text="Shown beside the alert until the mute ends.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )


@admin.register(Alert)
class AlertAdmin(CustomersByName):
    """Every alert there was, the one seen last first."""

    list_display = ("title", "state", "matters", "rule_in_words", "often", "since", "last", "whose")
    list_filter = (("closed_at", admin.EmptyFieldListFilter), "severity")
    search_fields = ("key__startswith", "automation__startswith")
    search_help_text = "The beginning of a rule or of an automation's key"
    ordering = ("-last_seen_at", "-id")
    usual_filters = (("All", ""), ("Open", "closed_at__isempty=1"), ("Over", "closed_at__isempty=0"))
    empty_words = ("No alert yet", "Failures, late schedules and stuck queues will stand here.")

    def extra_pages(self) -> list[tuple[str, Any, str]]:
        """Taking on, muting, and sending again what did not arrive."""
        return [
            ("<int:pk>/acknowledge/", self.acknowledge_view, "acknowledge"),
            ("<int:pk>/mute/", self.mute_view, "mute"),
            ("<int:pk>/unmute/", self.unmute_view, "unmute"),
            ("<int:pk>/send-again/<int:message_pk>/", self.send_again_view, "send_again"),
        ]

    @admin.display(description="State")
    def state(self, row: Alert) -> str:
        """Whether it is open, taken on, muted or over."""
        return pill(state_of(row))

    @admin.display(description="Severity")
    def matters(self, row: Alert) -> str:
        """How much it matters."""
        return row.get_severity_display()

    @admin.display(description="Rule")
    def rule_in_words(self, row: Alert) -> str:
        """What it is by."""
        return RULES.get(row.rule, row.rule)

    @admin.display(description="Seen")
    def often(self, row: Alert) -> str:
        """How often since it opened."""
        return times(row.count)

    @admin.display(description="Since")
    def since(self, row: Alert) -> str:
        """When it opened."""
        return when(row.opened_at)

    @admin.display(description="Last seen")
    def last(self, row: Alert) -> str:
        """When it was seen last."""
        return when(row.last_seen_at)

    def row_page(self, request: HttpRequest, row: Alert) -> HttpResponse:
        """One alert: what, since when, how often, what it is about, who was told."""
        may_handle = self.may(request, "handle")
        deliveries = row.deliveries.select_related("alert_channel", "digest").order_by("-id")[
            :MOST_DELIVERIES
        ]
        return self.page(
            request,
            "review/alert/page.html",
            title=row.title,
            alert=row,
            state=state_of(row),
            rule=self.rule_in_words(row),
            seen=times(row.count),
            link=row.link.removeprefix(settings.PUBLIC_URL),
            is_muted=row.is_muted(timezone.now()),
            # Who is told is not for those who do not reach every customer: a channel may name others.
            deliveries=deliveries if reaches_all(request.user) else None,
            may_handle=may_handle,
            tools=self._tools(row) if may_handle else [],
        )

    def acknowledge_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take an alert on, with a note."""
        row = self._handled(request, pk)
        form = AcknowledgeForm(request.POST or None)
        if request.method != "POST" or not form.is_valid():
            return self._ask(
                request, row, form, title=f"Acknowledge: {row.title}", submit="I take care of it"
            )
        if not acknowledge(alert_id=pk, note=form.cleaned_data["note"], actor=actor(request)):
            return self.refused(request, "It is over, or somebody has taken it on.", self.url("change", pk))
        return self.done(request, "You have taken it on: no reminder is sent.", self.url("change", pk))

    def mute_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Tell nobody of an alert for a while."""
        row = self._handled(request, pk)
        form = MuteForm(request.POST or None)
        if request.method != "POST" or not form.is_valid():
            return self._ask(request, row, form, title=f"Mute: {row.title}", submit="Mute it")
        hours = form.cleaned_data["hours"]
        until = timezone.now() + timedelta(hours=hours)
        mute(alert_id=pk, until=until, reason=form.cleaned_data["reason"], actor=actor(request))
        said = f"It is muted: nobody is told of it for {dict(_HOURS)[hours]}."
        return self.done(request, said, self.url("change", pk))

    def unmute_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Let an alert be told again."""
        self._handled(request, pk)
        if request.method != "POST" or not unmute(alert_id=pk, actor=actor(request)):
            return self.refused(request, "It was not muted.", self.url("change", pk))
        return self.done(request, "It is told again.", self.url("change", pk))

    def send_again_view(self, request: HttpRequest, pk: int, message_pk: int) -> HttpResponse:
        """Put a message that failed back into the outbox."""
        row = self._handled(request, pk)
        said = Q(alert=row) | Q(folded__alert=row)  # by itself, or by the digest that stands for it
        message = OutboxMessage.objects.filter(said, pk=message_pk).first()
        if message is None or not reaches_all(request.user):
            raise Http404("There is no such message.")
        if request.method != "POST" or not send_again(message=message, actor=actor(request)):
            return self.refused(request, "Only what failed can be sent again.", self.url("change", pk))
        return self.done(request, "It is sent again within a minute.", self.url("change", pk))

    def _handled(self, request: HttpRequest, pk: int) -> Alert:
        self.require(request, "handle")
        row: Alert = self.found(request, pk)
        return row

    def _tools(self, row: Alert) -> list[tuple[str, str]]:
        tools = []
        if row.is_open and row.acknowledged_at is None:
            tools.append(("Acknowledge", self.url("acknowledge", row.pk)))
        if not row.is_muted(timezone.now()):
            tools.append(("Mute", self.url("mute", row.pk)))
        return tools

    def _ask(self, request: HttpRequest, row: Alert, form: forms.Form, **words: str) -> HttpResponse:
        status = 422 if form.is_bound else 200
        back = self.url("change", row.pk)
        return self.page(request, "review/form.html", form=form, back=back, status=status, **words)


def state_of(row: Alert) -> str:
    """Where an alert stands, in one word."""
    return row.state_at(timezone.now())


def times(count: int) -> str:
    """How often, in words."""
    return f"{count} times" if count > 1 else "once"
