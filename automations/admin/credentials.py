"""Credentials: names are shown, values are taken and never given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError

from automations.errors import CredentialError
from automations.models import Automation, Credential
from automations.models.customer import key_validator
from automations.services.credentials import set_credential
from infra_shared.admin.base import ConsoleAdmin, actor
from infra_shared.templatetags.console import when

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

_MOST_FIELDS = 6
_USUAL = ("username", "password")


class SecretForm(forms.Form):
    """The fields of a credential: names beside values, which are never filled in from the database."""

    name = forms.CharField(
        max_length=100,
        validators=[key_validator],
        label="Name",
        help_text="As automations name it in `credentials`, such as “practice-shop”.",
    )

    def __init__(self, *args: Any, field_names: tuple[str, ...] = _USUAL, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for number in range(_MOST_FIELDS):
            name = field_names[number] if number < len(field_names) else ""
            self.fields[f"field_{number}"] = forms.CharField(
                required=False,
                max_length=100,
                initial=name,
                label=f"Field {number + 1}",
                widget=forms.TextInput(attrs={"placeholder": "Field", "autocomplete": "off"}),
            )
            self.fields[f"value_{number}"] = forms.CharField(
                required=False,
                strip=False,
                label=f"Value of field {number + 1}",
                widget=forms.PasswordInput(attrs={"placeholder": "Value", "autocomplete": "new-password"}),
            )

    def clean_name(self) -> str:
        """The name; a taken one is refused, so that nobody overwrites a credential by a slip."""
        name = str(self.cleaned_data["name"])
        if not self.fields["name"].disabled and Credential.objects.filter(name=name).exists():
            raise ValidationError("There is a credential of this name. Open it to replace its values.")
        return name

    def pairs(self) -> list[tuple[Any, Any]]:
        """The bound fields, name beside value, for the template."""
        return [(self[f"field_{number}"], self[f"value_{number}"]) for number in range(_MOST_FIELDS)]

    def secrets(self) -> dict[str, str]:
        """What was entered: every row that has a name or a value."""
        rows = [
            (self.cleaned_data[f"field_{number}"], self.cleaned_data[f"value_{number}"])
            for number in range(_MOST_FIELDS)
        ]
        if any(value and not name for name, value in rows):
            raise CredentialError("A value has no field name beside it.")
        return {name: value for name, value in rows if name}


@admin.register(Credential)
class CredentialAdmin(ConsoleAdmin):
    """Every credential by name, with the names of its fields and who uses it."""

    need_full_reach = True  # a credential belongs to no one customer
    list_display = ("name", "parts", "changed", "used")
    search_fields = ("name__startswith",)
    search_help_text = "Name, from its beginning"
    ordering = ("name",)
    empty_words = (
        "No credential yet",
        "Automations that sign in somewhere name one. Set it with the button above.",
    )

    def extra_pages(self) -> list[tuple[str, Any, str]]:
        """Set a new one, replace the values of one."""
        return [("set/", self.set_view, "set"), ("<int:pk>/replace/", self.replace_view, "replace")]

    def list_tools(self, request: HttpRequest) -> list[tuple[str, str]]:
        """The button to set one."""
        return [("Set a credential", self.url("set"))] if self.may(request, "add") else []

    def list_context(self, request: HttpRequest) -> dict[str, Any]:
        """What automations still lack."""
        return {"notice": _missing_in_words()}

    @admin.display(description="Fields")
    def parts(self, credential: Credential) -> str:
        """The names of its fields."""
        return ", ".join(credential.field_names)

    @admin.display(description="Changed")
    def changed(self, credential: Credential) -> str:
        """When its values were last set."""
        return when(credential.updated_at)

    @admin.display(description="Last used")
    def used(self, credential: Credential) -> str:
        """When an attempt last took it."""
        return when(credential.last_used_at, empty="never")

    def row_page(self, request: HttpRequest, credential: Credential) -> HttpResponse:
        """One credential: everything but its values."""
        rows = [
            ("Fields", self.parts(credential)),
            ("Values", "Stored encrypted; nobody can read them here."),
            ("Used by", ", ".join(_users_of(credential.name)) or "no automation"),
            ("Changed", self.changed(credential)),
            ("Last used", self.used(credential)),
        ]
        tools = (
            [("Replace the values", self.url("replace", credential.pk))]
            if self.may(request, "change")
            else []
        )
        return self.page(
            request, "review/facts.html", title=f"Credential {credential.name}", rows=rows, tools=tools
        )

    def set_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for the name and the values of a new credential."""
        self.require(request, "add")
        form = SecretForm(request.POST or None, initial={"name": request.GET.get("name", "")})
        return self._take(request, form, title="Set a credential", name=None)

    def replace_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for all values of one credential anew."""
        self.require(request, "change")
        credential: Credential = self.found(request, pk)
        names = tuple(credential.field_names)
        form = SecretForm(request.POST or None, field_names=names, initial={"name": credential.name})
        form.fields["name"].disabled = True
        return self._take(request, form, title=f"Replace {credential.name}", name=credential.name)

    def _take(self, request: HttpRequest, form: SecretForm, *, title: str, name: str | None) -> HttpResponse:
        if form.is_valid():
            try:
                secrets = form.secrets()
                wanted = name or form.cleaned_data["name"]
                credential = set_credential(name=wanted, fields=secrets, actor=actor(request))
            except (CredentialError, ValidationError) as error:
                form.add_error(None, error if isinstance(error, ValidationError) else str(error))
            else:
                message = f"The credential {credential.name} is set. Its values are not shown again."
                return self.done(request, message, self.url("changelist"))
        status = 422 if form.is_bound else 200
        back = self.url("changelist")
        return self.page(request, "review/credential.html", title=title, form=form, back=back, status=status)


def _users_of(name: str) -> list[str]:
    """Titles of the automations whose latest version names the credential."""
    return [title for title, names in _wanted() if name in names]


def _missing_in_words() -> str:
    known = set(Credential.objects.values_list("name", flat=True))
    missing = [
        f"“{name}” (wanted by {title})" for title, names in _wanted() for name in names if name not in known
    ]
    return f"Not set yet: {', '.join(missing)}." if missing else ""


def _wanted() -> list[tuple[str, list[str]]]:
    rows = Automation.objects.runnable().values_list("title", "latest_version__options")
    return [(title, options.get("credentials", [])) for title, options in rows]
