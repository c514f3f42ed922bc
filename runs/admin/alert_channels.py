"""Channels of alerts: where they are told, which of them, and whether they arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import Max
from django.http import Http404

from automations.models import Automation, Customer
from infra_shared.admin.api_keys import NO_STORE
from infra_shared.admin.base import ConsoleAdmin, actor
from infra_shared.models import AlertChannel, OutboxMessage
from infra_shared.services import alert_channels
from infra_shared.services.alert_channels import ChannelInput, ChannelRefusedError
from infra_shared.services.undelivered import send_again
from infra_shared.templatetags.console import pill, when
from runs.services.alerts import RULES

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

MOST_DELIVERIES = 30
Kind = AlertChannel.Kind
_ALL = "None chosen: all."


class ChannelForm(forms.Form):
    """One channel. The stored web address is never filled in."""

    name = forms.CharField(max_length=100, label="Name", help_text="Such as “On call”.")
    kind = forms.ChoiceField(choices=Kind.choices, label="Form")
    addresses = forms.CharField(
        required=False,
        max_length=1000,
        label="E-mail addresses",
        help_text="For e-mail; separated by commas.",
    )
    url = forms.CharField(
        required=False,
        max_length=2000,
        label="Web address",
        help_text="For webhooks; kept encrypted and not shown again.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "url"}),
    )
    rules = forms.MultipleChoiceField(
        required=False,
        choices=list(RULES.items()),
        widget=forms.CheckboxSelectMultiple,
        label="Alerts",
        help_text=_ALL,
    )
    customers = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Customers",
        help_text=f"{_ALL} Alerts that belong to no customer, such as a stuck queue, go only where none is chosen.",
    )
    automations = forms.MultipleChoiceField(
        required=False, widget=forms.CheckboxSelectMultiple, label="Automations", help_text=_ALL
    )
    tells_recovery = forms.BooleanField(required=False, initial=True, label="Also say when it is over")
    is_on = forms.BooleanField(required=False, initial=True, label="In use")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, rows in (
            ("customers", Customer.objects.order_by("name").values_list("key", "name")),
            ("automations", Automation.objects.order_by("title").values_list("key", "title")),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.MultipleChoiceField)
            field.choices = list(rows)

    def wanted(self) -> ChannelInput:
        """What was entered, as the service takes it."""
        given = dict(self.cleaned_data)
        addresses = [part.strip() for part in given.pop("addresses").split(",") if part.strip()]
        given.setdefault("url", "")
        return ChannelInput(**{**given, "kind": Kind(given["kind"]), "addresses": addresses})


@admin.register(AlertChannel)
class ChannelAdmin(ConsoleAdmin):
    """Every channel, without its address and secret."""

    need_full_reach = True  # a channel may take the alerts of every customer
    list_title = "Alert channels"
    list_display = ("name", "state", "kind_in_words", "place", "takes_rules", "arrived")
    ordering = ("name",)
    empty_words = (
        "No channel yet",
        "Alerts are told by mail or to a webhook. Add a channel with the button above.",
    )

    def extra_pages(self) -> list[tuple[str, Any, str]]:
        """Adding, changing, testing, removing."""
        return [
            ("new/", self.add_channel_view, "new"),
            ("<int:pk>/edit/", self.edit_view, "edit"),
            ("<int:pk>/secret/", self.secret_view, "secret"),
            ("<int:pk>/remove/", self.remove_view, "remove"),
            ("<int:pk>/test/", self.test_view, "test"),
            ("<int:pk>/send-again/<int:message_pk>/", self.send_again_view, "send_again"),
        ]

    def list_tools(self, request: HttpRequest) -> list[tuple[str, str]]:
        """The button to add one."""
        return [("Add a channel", self.url("new"))] if self.may(request, "add") else []

    def get_queryset(self, request: HttpRequest) -> QuerySet[AlertChannel]:
        """Each with when anything last arrived there."""
        rows: QuerySet[AlertChannel] = super().get_queryset(request)
        return rows.annotate(last_arrival=Max("deliveries__sent_at"))

    @admin.display(description="State")
    def state(self, channel: AlertChannel) -> str:
        """Whether anything is told there."""
        return pill("active") if channel.is_on else pill("paused", "off")

    @admin.display(description="Form")
    def kind_in_words(self, channel: AlertChannel) -> str:
        """Mail or which webhook."""
        return channel.get_kind_display()

    @admin.display(description="Alerts")
    def takes_rules(self, channel: AlertChannel) -> str:
        """Which rules it takes."""
        return ", ".join(RULES.get(rule, rule) for rule in channel.rules) or "all"

    @admin.display(description="Last arrival")
    def arrived(self, channel: AlertChannel) -> str:
        """When anything last arrived there."""
        return when(getattr(channel, "last_arrival", None), empty="never")

    def row_page(self, request: HttpRequest, channel: AlertChannel) -> HttpResponse:
        """One channel with its latest messages."""
        rows = [
            ("State", self.state(channel)),
            ("Form", self.kind_in_words(channel)),
            ("Goes to", channel.place),
            ("Alerts", self.takes_rules(channel)),
            ("Customers", ", ".join(channel.customers) or "all"),
            ("Automations", ", ".join(channel.automations) or "all"),
            ("Says when it is over", "yes" if channel.tells_recovery else "no"),
            ("Last arrival", self.arrived(channel)),
        ]
        change = self.may(request, "change")
        tools = [("Change", self.url("edit", channel.pk))] if change else []
        if change and channel.kind == Kind.WEBHOOK:
            tools.append(("Replace the secret", self.url("secret", channel.pk)))
        if self.may(request, "delete"):
            tools.append(("Remove", self.url("remove", channel.pk)))
        return self.page(
            request,
            "review/alert/channel.html",
            title=f"Channel {channel.name}",
            channel=channel,
            rows=rows,
            tools=tools,
            may_change=change,
            deliveries=channel.deliveries.select_related("alert_channel", "digest").order_by("-id")[
                :MOST_DELIVERIES
            ],
        )

    def add_channel_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for a new channel; the secret of a signed webhook is shown once."""
        self.require(request, "add")
        form = ChannelForm(request.POST or None)
        if form.is_valid():
            try:
                channel, secret = alert_channels.add_channel(wanted=form.wanted(), actor=actor(request))
            except ChannelRefusedError as error:
                form.add_error(error.field, str(error))
            else:
                if secret:
                    return self._once(request, channel, secret)
                return self.done(request, "The channel is made. Send a test.", self.url("change", channel.pk))
        return self._form(request, form, "Add a channel", "Add it", self.url("changelist"))

    def edit_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Change a channel; an empty web address keeps the stored one."""
        self.require(request, "change")
        channel: AlertChannel = self.found(request, pk)
        form = ChannelForm(request.POST or None, initial=_values(channel))
        form.fields["kind"].disabled = True
        if channel.kind == Kind.EMAIL:
            del form.fields["url"]
        else:
            form.fields["addresses"].widget = forms.HiddenInput()
            form.fields["url"].help_text = f"Empty: it stays ({channel.place})."
        if form.is_valid():
            try:
                alert_channels.change_channel(channel=channel, wanted=form.wanted(), actor=actor(request))
            except ChannelRefusedError as error:
                form.add_error(error.field, str(error))
            else:
                return self.done(request, "The channel is changed.", self.url("change", pk))
        return self._form(request, form, f"Change {channel.name}", "Save", self.url("change", pk))

    def secret_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Replace the secret of a signed webhook, after asking."""
        self.require(request, "change")
        channel: AlertChannel = self.found(request, pk)
        if channel.kind != Kind.WEBHOOK:
            raise Http404("Only a signed webhook has a secret.")
        if request.method == "POST":
            secret = alert_channels.replace_secret(channel=channel, actor=actor(request))
            return self._once(request, channel, secret)
        words = "The receiver refuses what is sent until it knows the new secret."
        return self._form(
            request, forms.Form(), "Replace the secret", "Make a new one", self.url("change", pk), words
        )

    def remove_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Remove a channel, after asking."""
        self.require(request, "delete")
        channel: AlertChannel = self.found(request, pk)
        if request.method == "POST":
            alert_channels.remove_channel(channel=channel, actor=actor(request))
            return self.done(request, f"The channel {channel.name} is removed.", self.url("changelist"))
        words = "Nothing is told there any more. This cannot be undone."
        return self._form(
            request, forms.Form(), f"Remove {channel.name}", "Remove it", self.url("change", pk), words
        )

    def test_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Send a test."""
        self.require(request, "change")
        channel: AlertChannel = self.found(request, pk)
        if request.method != "POST":
            return self.refused(request, "Use the button to send a test.", self.url("change", pk))
        alert_channels.send_test(channel=channel, actor=actor(request))
        return self.done(request, "A test is on its way: it is sent within a minute.", self.url("change", pk))

    def send_again_view(self, request: HttpRequest, pk: int, message_pk: int) -> HttpResponse:
        """Put a message that failed back into the outbox."""
        self.require(request, "change")
        channel: AlertChannel = self.found(request, pk)
        message = OutboxMessage.objects.filter(pk=message_pk, alert_channel=channel).first()
        if message is None:
            raise Http404("There is no such message.")
        if request.method != "POST" or not send_again(message=message, actor=actor(request)):
            return self.refused(request, "Only what failed can be sent again.", self.url("change", pk))
        return self.done(request, "It is sent again within a minute.", self.url("change", pk))

    def _form(
        self, request: HttpRequest, form: forms.Form, title: str, submit: str, back: str, warning: str = ""
    ) -> HttpResponse:
        words = {"title": title, "submit": submit, "back": back, "warning": warning}
        status = 422 if form.is_bound else 200
        return self.page(request, "review/form.html", form=form, status=status, **words)

    def _once(self, request: HttpRequest, channel: AlertChannel, secret: str) -> HttpResponse:
        """The page that shows the secret, kept in no cache."""
        response = self.page(
            request, "review/alert/secret.html", title=channel.name, channel=channel, secret=secret
        )
        response.headers["Cache-Control"] = NO_STORE
        return response


def _values(channel: AlertChannel) -> dict[str, Any]:
    """What the form of a channel begins with."""
    names = ("name", "kind", "rules", "customers", "automations", "tells_recovery", "is_on")
    addresses = channel.place if channel.kind == Kind.EMAIL else ""
    return {**{name: getattr(channel, name) for name in names}, "addresses": addresses}
