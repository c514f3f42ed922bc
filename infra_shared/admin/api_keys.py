"""API keys: issued and shown once, rotated, revoked."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.utils import timezone

from infra_shared.admin.base import ConsoleAdmin, actor
from infra_shared.customer_keys import UnknownCustomersError, typed_customers
from infra_shared.models import ALL, ApiKey, Caller
from infra_shared.scopes import Scope
from infra_shared.services import api_keys
from infra_shared.templatetags.console import pill, when

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

NO_STORE = "no-store"
CUSTOMERS_HELP = (
    "Keys of the customers the caller reaches, with commas between; * for all, also those to come."
)


class IssueForm(forms.Form):
    """What a new key is for."""

    caller = forms.CharField(
        max_length=100,
        label="Caller",
        help_text="Whose key it is, such as “accounting”. Runs and idempotency keys belong to the caller, not to the key.",
    )
    customers = forms.CharField(
        required=False,
        initial="main",
        label="Customers",
        help_text=f"{CUSTOMERS_HELP} Empty for a caller that is there: what it reaches.",
    )
    name = forms.CharField(max_length=100, label="Name of the key", help_text="Such as “nightly import”.")
    scopes = forms.MultipleChoiceField(
        label="May",
        choices=[(scope.value, scope.opens) for scope in Scope],
        widget=forms.CheckboxSelectMultiple,
        help_text="What the key may do; leave out what it does not need.",
    )
    days = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=3650,
        label="Expires after days",
        help_text="Empty: it does not expire.",
    )

    def clean_customers(self) -> list[str]:
        """The customers' keys as a list."""
        return _customers(self)


class ReachForm(forms.Form):
    """What a caller reaches from now on."""

    customers = forms.CharField(label="Customers", help_text=CUSTOMERS_HELP)
    reason = forms.CharField(
        required=False, max_length=500, label="Reason", widget=forms.Textarea(attrs={"rows": 2})
    )

    def clean_customers(self) -> list[str]:
        """The customers' keys as a list."""
        return _customers(self)


class RotateForm(forms.Form):
    """How long the old key goes on working."""

    hours = forms.IntegerField(
        min_value=0,
        max_value=24 * 30,
        initial=24,
        label="The old key works for another … hours",
        help_text="Time to put the new key in place. 0 ends the old one at once.",
    )


class RevokeForm(forms.Form):
    """Why a key ends."""

    reason = forms.CharField(
        required=False,
        max_length=500,
        label="Reason",
        help_text="Kept in the audit log.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )


@admin.register(ApiKey)
class ApiKeyAdmin(ConsoleAdmin):
    """Every key, without its secret."""

    need_full_reach = True  # a key may reach customers its issuer does not
    list_display = ("name", "owner", "state", "what", "used", "ends", "made")
    list_select_related = ("caller",)
    search_fields = ("name__startswith", "public_id__startswith", "caller__name__startswith")
    search_help_text = "Name, caller or public id, from its beginning"
    ordering = ("-id",)
    empty_words = ("No API key yet", "Programs need one to start runs. Issue one with the button above.")

    def extra_pages(self) -> list[tuple[str, Any, str]]:
        """Issue, rotate, revoke, and what the caller reaches."""
        return [
            ("<int:pk>/reach/", self.reach_view, "reach"),
            ("issue/", self.issue_view, "issue"),
            ("<int:pk>/rotate/", self.rotate_view, "rotate"),
            ("<int:pk>/revoke/", self.revoke_view, "revoke"),
        ]

    def list_tools(self, request: HttpRequest) -> list[tuple[str, str]]:
        """The button to issue a key."""
        return [("Issue a key", self.url("issue"))] if self.may(request, "add") else []

    @admin.display(description="Caller")
    def owner(self, key: ApiKey) -> str:
        """Whose it is."""
        return key.caller.name

    @admin.display(description="State")
    def state(self, key: ApiKey) -> str:
        """Whether it opens anything."""
        return pill(_state(key))

    @admin.display(description="May")
    def what(self, key: ApiKey) -> str:
        """What it may do."""
        return "everything" if ALL in key.scopes else ", ".join(key.scopes)

    @admin.display(description="Last used")
    def used(self, key: ApiKey) -> str:
        """When it was last used."""
        return when(key.last_used_at, empty="never")

    @admin.display(description="Expires")
    def ends(self, key: ApiKey) -> str:
        """When it ends by itself."""
        return when(key.expires_at, empty="never")

    @admin.display(description="Issued")
    def made(self, key: ApiKey) -> str:
        """When it was made."""
        return when(key.created_at)

    def row_page(self, request: HttpRequest, key: ApiKey) -> HttpResponse:
        """One key and what can be done with it."""
        rows = [
            ("State", self.state(key)),
            ("Caller", key.caller.name),
            ("Customers", "all" if ALL in key.caller.customers else ", ".join(key.caller.customers)),
            ("May", self.what(key)),
            ("Public id", key.public_id),
            ("Last used", self.used(key)),
            ("Expires", self.ends(key)),
            ("Issued", self.made(key)),
            ("Issued by", key.created_by),
        ]
        usable = _state(key) == "active" and self.may(request, "change")
        tools = (
            [("Rotate", self.url("rotate", key.pk)), ("Revoke", self.url("revoke", key.pk))] if usable else []
        )
        if self.may(request, "change"):
            tools.append(("Reach", self.url("reach", key.pk)))
        return self.page(request, "review/facts.html", title=f"API key {key.name}", rows=rows, tools=tools)

    def issue_view(self, request: HttpRequest) -> HttpResponse:
        """Ask what the key is for, then show it once."""
        self.require(request, "add")
        form = IssueForm(request.POST or None)
        caller = self._caller(request, form) if form.is_valid() else None
        if caller is None:
            return self._form(
                request, form, title="Issue an API key", submit="Issue the key", back=self.url("changelist")
            )
        asked = form.cleaned_data
        key, plaintext = api_keys.issue_key(
            caller=caller,
            name=asked["name"],
            scopes=asked["scopes"],
            actor=actor(request),
            expires_at=timezone.now() + timedelta(days=asked["days"]) if asked["days"] else None,
        )
        return self._once(request, key, plaintext)

    def _caller(self, request: HttpRequest, form: IssueForm) -> Caller | None:
        """Whose the key will be; None, and the form says why, where it cannot be."""
        asked = form.cleaned_data
        try:
            return api_keys.ensure_caller(
                name=asked["caller"], customers=asked["customers"], actor=actor(request)
            )
        except api_keys.CallerReachError as error:
            form.add_error("customers", str(error))
            return None

    def reach_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Say anew which customers the key's caller reaches, with all its keys."""
        self.require(request, "change")
        key: ApiKey = self.found(request, pk)
        caller = key.caller
        form = ReachForm(request.POST or None, initial={"customers": ", ".join(caller.customers)})
        if not form.is_valid():
            return self._form(
                request,
                form,
                title=f"What {caller.name} reaches",
                submit="Change the reach",
                back=self.url("change", pk),
                warning="It counts for every key of this caller, at once.",
            )
        api_keys.change_reach(caller=caller, actor=actor(request), **form.cleaned_data)
        return self.done(request, f"The reach of {caller.name} is changed.", self.url("change", pk))

    def rotate_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Give the caller a new key like this one."""
        self.require(request, "change")
        key: ApiKey = self.found(request, pk)
        form = RotateForm(request.POST or None)
        if not form.is_valid():
            back = self.url("change", pk)
            return self._form(request, form, title=f"Rotate {key.name}", submit="Make the new key", back=back)
        grace = timedelta(hours=form.cleaned_data["hours"])
        successor, plaintext = api_keys.rotate_key(
            key=key, grace=grace, actor=actor(request), expires_at=key.expires_at
        )
        return self._once(request, successor, plaintext)

    def revoke_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """End a key at once, after asking."""
        self.require(request, "change")
        key: ApiKey = self.found(request, pk)
        form = RevokeForm(request.POST or None)
        if request.method != "POST" or not form.is_valid():
            return self._form(
                request,
                form,
                title=f"Revoke {key.name}",
                submit="Revoke the key",
                back=self.url("change", pk),
                warning=f"Programs of {key.caller.name} that use this key are refused from now on. This cannot be undone.",
            )
        revoked = api_keys.revoke_key(key=key, actor=actor(request), reason=form.cleaned_data["reason"])
        if not revoked:
            return self.refused(request, "The key was revoked already.", self.url("change", pk))
        return self.done(request, f"The key {key.name} is revoked.", self.url("changelist"))

    def _form(self, request: HttpRequest, form: forms.Form, **words: Any) -> HttpResponse:
        status = 422 if form.is_bound and form.errors else 200
        return self.page(request, "review/form.html", form=form, status=status, **words)

    def _once(self, request: HttpRequest, key: ApiKey, plaintext: str) -> HttpResponse:
        """The page that shows the secret: straight from memory, stored nowhere, not even in the browser's cache."""
        response = self.page(
            request, "review/key_once.html", title=f"API key {key.name}", key=key, plaintext=plaintext
        )
        response.headers["Cache-Control"] = NO_STORE
        return response


def _customers(form: forms.Form) -> list[str]:
    """What was typed into the form's field `customers`, as keys of customers that are there."""
    try:
        return typed_customers(form.cleaned_data["customers"])
    except UnknownCustomersError as error:
        raise forms.ValidationError(str(error)) from error


def _state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= timezone.now() else "active"
