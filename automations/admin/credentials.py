"""Credentials: names are shown, values are taken and never given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import ValidationError

from automations.errors import CredentialError
from automations.forms.credentials import BindingForm, DeletionForm, NewCredentialForm, SecretForm
from automations.models import Automation, Credential, CredentialUse, Schedule
from automations.services.credentials import (
    bind_credential,
    delete_credential,
    missing,
    set_credential,
    used_by,
)
from infra_shared.admin.base import ConsoleAdmin, actor
from infra_shared.customer_names import with_customer_names
from infra_shared.templatetags.console import when

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

_USES_SHOWN = 25
_OF_ITS_AUTOMATION = (
    "those its automation declares, else those the automation opens by itself; none that a run's params name"
)


@admin.register(Credential)
class CredentialAdmin(ConsoleAdmin):
    """Every credential by name, with the names of its fields and who uses it."""

    need_full_reach = True  # a credential may serve any customer
    list_display = ("name", "kind_in_words", "parts", "places", "changed", "used")
    search_fields = ("name__startswith",)
    search_help_text = "Name, from its beginning"
    ordering = ("name",)
    empty_words = (
        "No credential yet",
        "Automations that sign in somewhere name one. Set it with the button above.",
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        """Without the values, which no page needs: one that no key reads must not take the list with it."""
        return super().get_queryset(request).defer("fields")

    def extra_pages(self) -> list[tuple[str, Any, str]]:
        """Set a new one, replace the values of one, bind one, take one away."""
        return [
            ("set/", self.set_view, "set"),
            ("<int:pk>/replace/", self.replace_view, "replace"),
            ("<int:pk>/bind/", self.bind_view, "bind"),
            ("<int:pk>/remove/", self.remove_view, "remove"),
        ]

    def list_tools(self, request: HttpRequest) -> list[tuple[str, str]]:
        """The button to set one."""
        return [("Set a credential", self.url("set"))] if self.may(request, "add") else []

    def list_context(self, request: HttpRequest) -> dict[str, Any]:
        """What automations still lack."""
        return {"notice": _missing_in_words()}

    @admin.display(description="Kind")
    def kind_in_words(self, credential: Credential) -> str:
        """What it is."""
        return str(credential.get_kind_display())

    @admin.display(description="Fields")
    def parts(self, credential: Credential) -> str:
        """The names of its fields."""
        return ", ".join(credential.field_names) or credential.reference

    @admin.display(description="Sites")
    def places(self, credential: Credential) -> str:
        """Where it may go."""
        if credential.any_site:
            return "any"
        return ", ".join(site.partition("://")[2] for site in credential.sites) or "of its automation"

    @admin.display(description="Changed")
    def changed(self, credential: Credential) -> str:
        """When its values were last set."""
        return when(credential.updated_at)

    @admin.display(description="Last used")
    def used(self, credential: Credential) -> str:
        """When an attempt last took it."""
        return when(credential.last_used_at, empty="never")

    def row_page(self, request: HttpRequest, credential: Credential) -> HttpResponse:
        """One credential: everything but its values, with its latest uses."""
        users = used_by(credential.name)
        return self.page(
            request,
            "review/credential/page.html",
            title=f"Credential {credential.name}",
            rows=self._facts(credential),
            users=users,
            schedules=Schedule.objects.filter(automation__in=users, deleted_at__isnull=True).order_by("name"),
            uses=_uses(credential.name),
            tools=self._tools(request, credential),
            goes_anywhere=credential.any_site,
        )

    def _tools(self, request: HttpRequest, credential: Credential) -> list[tuple[str, str]]:
        """What this operator may do with it."""
        offered = [
            ("change", "New values", "replace"),
            ("change", "Bind it", "bind"),
            ("delete", "Delete it", "remove"),
        ]
        return [
            (title, self.url(name, credential.pk)) for verb, title, name in offered if self.may(request, verb)
        ]

    def _facts(self, credential: Credential) -> list[tuple[str, str]]:
        stored = (
            f"Kept elsewhere: {credential.reference}"
            if credential.reference
            else "Stored encrypted; nobody can read them here."
        )
        titles = Automation.objects.filter(key__in=credential.automations).order_by("title")
        sites = "any site at all" if credential.any_site else ", ".join(credential.sites)
        return [
            ("Kind", self.kind_in_words(credential)),
            ("Fields", self.parts(credential)),
            ("Values", stored),
            ("Sites", sites or _OF_ITS_AUTOMATION),
            ("Customers", ", ".join(credential.customers) or "all"),
            ("Automations", ", ".join(str(item) for item in titles) or "every one that names it"),
            ("Changed", self.changed(credential)),
            ("Last used", self.used(credential)),
        ]

    def set_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for the name, the values and the binding of a new credential."""
        self.require(request, "add")
        first = {"name": request.GET.get("name", ""), "kind": "login"}
        form = NewCredentialForm(request.POST or None, initial=first)

        def save() -> str:
            given = form.cleaned_data
            credential = set_credential(
                name=given["name"],
                kind=given["kind"] or None,
                fields=form.secrets(),
                reference=given["reference"],
                binding=form.binding(),
                actor=actor(request),
            )
            return f"The credential {credential.name} is set. Its values are not shown again."

        return self._take(request, form, save, title="Set a credential")

    def replace_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for all values of one credential anew; what it is bound to stays."""
        self.require(request, "change")
        credential: Credential = self.found(request, pk)
        first = {"name": credential.name, "kind": credential.kind, "reference": credential.reference}
        form = SecretForm(request.POST or None, field_names=tuple(credential.field_names), initial=first)
        form.fields["name"].disabled = True

        def save() -> str:
            given = form.cleaned_data
            set_credential(
                name=credential.name,
                kind=given["kind"] or None,
                fields=form.secrets(),
                reference=given["reference"],
                actor=actor(request),
            )
            return f"The credential {credential.name} is set. Its values are not shown again."

        return self._take(request, form, save, title=f"Replace {credential.name}")

    def bind_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask who may use a credential and where it may go."""
        self.require(request, "change")
        credential: Credential = self.found(request, pk)
        form = BindingForm(request.POST or None, initial=BindingForm.initial_of(credential))

        def save() -> str:
            bind_credential(name=credential.name, binding=form.binding(), actor=actor(request))
            return f"The credential {credential.name} is bound as you said."

        return self._take(request, form, save, title=f"Bind {credential.name}")

    def remove_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take a credential away, after saying who needs it."""
        self.require(request, "delete")
        credential: Credential = self.found(request, pk)
        form = DeletionForm(request.POST or None)
        if form.is_valid():
            name, reason = credential.name, form.cleaned_data["reason"]
            delete_credential(name=name, actor=actor(request), reason=reason)
            return self.done(request, f"The credential {name} is deleted.", self.url("changelist"))
        return self.page(
            request,
            "review/form.html",
            title=f"Delete {credential.name}",
            form=form,
            warning=_needed_in_words(credential),
            submit="Delete it for good",
            back=self.url("change", pk),
            status=422 if form.is_bound else 200,
        )

    def _take(
        self, request: HttpRequest, form: SecretForm | BindingForm, save: Callable[[], str], *, title: str
    ) -> HttpResponse:
        if form.is_valid():
            try:
                message = save()
            except (CredentialError, ValidationError) as error:
                form.add_error(None, error if isinstance(error, ValidationError) else str(error))
            else:
                return self.done(request, message, self.url("changelist"))
        status = 422 if form.is_bound else 200
        back = self.url("changelist")
        return self.page(
            request, "review/credential/form.html", title=title, form=form, back=back, status=status
        )


def _uses(name: str) -> list[tuple[CredentialUse, str]]:
    """The latest uses, each with the title of its automation."""
    uses = list(with_customer_names(CredentialUse.objects.filter(credential=name))[:_USES_SHOWN])
    titles = {
        row.key: str(row) for row in Automation.objects.filter(key__in={use.automation for use in uses})
    }
    return [(use, titles.get(use.automation, use.automation)) for use in uses]


def _needed_in_words(credential: Credential) -> str:
    """What happens when it goes: nobody can read its values, so nobody can put it back."""
    users = used_by(credential.name)
    schedules = Schedule.objects.filter(automation__in=users, deleted_at__isnull=True).order_by("name")
    words = "Its values cannot be had back. "
    if users:
        words += f"Used by {', '.join(map(str, users))}: their runs fail until it is set again. "
    if schedules:
        words += f"Schedules that start them: {', '.join(schedule.name for schedule in schedules)}. "
    return words + f"Last used: {when(credential.last_used_at, empty='never')}."


def _missing_in_words() -> str:
    wanted = [f"“{name}” (wanted by {item.title})" for name, item in missing()]
    return f"Not set yet: {', '.join(wanted)}." if wanted else ""
