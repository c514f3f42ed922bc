"""The forms of an operator's account: a new one and a present one, in the console's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.forms import ReadOnlyPasswordHashWidget
from unfold.forms import UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminTextInputWidget

from infra_shared.customer_keys import UnknownCustomersError, typed_customers
from infra_shared.models import OperatorReach

if TYPE_CHECKING:
    from django.contrib.admin.options import _FieldOpts

    _Sections = tuple[tuple[str, _FieldOpts], ...]

NEW_SECTIONS: _Sections = (
    ("Who signs in", {"fields": ("username", "password1", "password2")}),
    ("What they may do", {"fields": ("groups", "customers")}),
)
SECTIONS: _Sections = (
    ("Who signs in", {"fields": ("username", "password", "first_name", "last_name", "email")}),
    ("What they may do", {"fields": ("is_active", "groups", "customers")}),
    ("More than roles give", {"fields": ("is_staff", "is_superuser", "user_permissions")}),
    ("When", {"fields": ("seen", "added")}),
)
WORDS = {
    "username": ("User name", "Letters, digits and @ . + - _; the audit log names the operator by it."),
    "is_active": (
        "May sign in",
        "Off ends every session at once. Accounts are never deleted: the audit log names them.",
    ),
    "groups": ("Roles", "What the operator may do."),
    "is_staff": ("Console", "Without it the account opens no page, whatever its roles are."),
    "is_superuser": (
        "May do everything",
        "No role is asked of the account, and only its equals may change it.",
    ),
    "user_permissions": (
        "Permissions of its own",
        "Beside those of its roles.",
    ),
}
"""Label and help of the fields whose own words are those of another product."""


class _Reach(forms.Form):
    """For which customers an operator works."""

    customers = forms.CharField(
        required=False,
        label="Customers",
        widget=UnfoldAdminTextInputWidget,
        help_text="Keys of the customers this operator works for, separated by commas. Empty: all of them.",
    )

    def clean_customers(self) -> list[str]:
        """The keys as a list, of customers that are there: a slip would leave the account nothing to see."""
        try:
            return typed_customers(self.cleaned_data["customers"])
        except UnknownCustomersError as error:
            raise forms.ValidationError(str(error)) from error


class _HiddenPassword(ReadOnlyPasswordHashWidget):
    """That there is a password; its hash and its salt are nobody's to read."""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """One line in place of the parts of the hash."""
        context: dict[str, Any] = super().get_context(name, value, attrs)
        if len(context["summary"]) > 1:
            context["summary"] = [{"label": "Set"}]
        return context


class NewOperatorForm(_Reach, UserCreationForm):
    """A new account with its roles, so that whoever is added can work at once."""


class OperatorForm(_Reach, UserChangeForm):
    """A present account, with the customers it works for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        reach = OperatorReach.objects.filter(user=self.instance).first()
        self.fields["customers"].initial = ", ".join(reach.customers) if reach is not None else ""
        self.fields["password"].widget = _HiddenPassword()
        self.fields["password"].help_text = 'Nobody can read it. <a href="../password/">Give a new one</a>'
