"""The forms of credentials: values that are never filled in from the database, and what a credential is bound to."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError

from automations.errors import CredentialError
from automations.models import Automation, Credential, CredentialKind, Customer
from automations.models.customer import key_validator
from automations.services.credentials import Binding

MOST_FIELDS = 6
USUAL = ("username", "password")
_ALL = "None chosen: all of them."


class BindingForm(forms.Form):
    """Who may use a credential, and where it may go."""

    sites = forms.CharField(
        required=False,
        max_length=5000,
        label="Sites",
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "https://shop.example"}),
        help_text="One address a line. Its values are typed into pages of these sites alone, wherever the browser is led. "
        "Left empty: the sites its automation declares, else those the automation opens by itself; none that params name.",
    )
    any_site = forms.BooleanField(
        required=False,
        label="Any site at all",
        help_text="Nothing keeps a page that leads elsewhere from getting it.",
    )
    customers = forms.MultipleChoiceField(
        required=False, widget=forms.CheckboxSelectMultiple, label="Customers", help_text=_ALL
    )
    automations = forms.MultipleChoiceField(
        required=False, widget=forms.CheckboxSelectMultiple, label="Automations", help_text=_ALL
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        customers = Customer.objects.order_by("name")
        automations = Automation.objects.that_run().order_by("title")
        self._offer("customers", [(row.key, str(row)) for row in customers])
        self._offer("automations", [(row.key, str(row)) for row in automations])

    def binding(self) -> Binding:
        """What was entered, as the service takes it."""
        given = self.cleaned_data
        return Binding(
            sites=given["sites"].split(),
            any_site=given["any_site"],
            customers=given["customers"],
            automations=given["automations"],
        )

    @staticmethod
    def initial_of(credential: Credential) -> dict[str, Any]:
        """The form as a credential is bound now."""
        return {
            "sites": "\n".join(credential.sites),
            "any_site": credential.any_site,
            "customers": credential.customers,
            "automations": credential.automations,
        }

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        cast("forms.MultipleChoiceField", self.fields[name]).choices = choices


class SecretForm(forms.Form):
    """The fields of a credential: names beside values, which are never filled in from the database."""

    name = forms.CharField(
        max_length=100,
        validators=[key_validator],
        label="Name",
        help_text="As automations name it in `credentials`, such as “practice-shop”.",
    )
    kind = forms.ChoiceField(
        required=False,
        choices=CredentialKind.choices,
        label="Kind",
        help_text="A sign-in may also have the field totp_seed: the text beside a site's square code, for one-time codes.",
    )
    reference = forms.CharField(
        required=False,
        max_length=200,
        label="Kept elsewhere",
        widget=forms.TextInput(attrs={"placeholder": "env:CREDENTIAL_SHOP", "autocomplete": "off"}),
        help_text="Where a vault keeps the fields, in place of values below.",
    )

    def __init__(self, *args: Any, field_names: tuple[str, ...] = USUAL, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for number in range(MOST_FIELDS):
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
        return [(self[f"field_{number}"], self[f"value_{number}"]) for number in range(MOST_FIELDS)]

    def secrets(self) -> dict[str, str]:
        """What was entered: every row that has a name or a value; with a reference, rows with a value alone."""
        rows = [
            (self.cleaned_data[f"field_{number}"], self.cleaned_data[f"value_{number}"])
            for number in range(MOST_FIELDS)
        ]
        if any(value and not name for name, value in rows):
            raise CredentialError("A value has no field name beside it.")
        only_filled = bool(self.cleaned_data["reference"])
        return {name: value for name, value in rows if name and (value or not only_filled)}


class NewCredentialForm(SecretForm, BindingForm):
    """A credential from the beginning: its values and what it is bound to."""


class DeletionForm(forms.Form):
    """Why a credential is taken away."""

    reason = forms.CharField(
        max_length=500,
        label="Reason",
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="It stands in the audit log.",
    )
