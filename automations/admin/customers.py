"""Customers: who they are, how much of each there is, and making new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin

from automations.errors import CustomerInvalidError
from automations.models import Customer, Schedule
from automations.services.customers import create_customer, rename_customer
from infra_shared.admin.base import ConsoleAdmin, actor
from infra_shared.templatetags.console import when

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


class CustomerForm(forms.Form):
    """A new customer."""

    key = forms.CharField(
        max_length=63,
        label="Key",
        help_text="What programs call it: lower-case letters, digits and hyphens, such as acme-north. It stays for good.",
    )
    name = forms.CharField(
        required=False, max_length=200, label="Name", help_text="What people call it; else its key."
    )


class NameForm(forms.Form):
    """Another name."""

    name = forms.CharField(required=False, max_length=200, label="Name", help_text="Empty: its key.")


@admin.register(Customer)
class CustomerAdmin(ConsoleAdmin):
    """Every customer, by key."""

    need_full_reach = True  # the list names them all
    list_display = ("key", "called", "made")
    search_fields = ("key__startswith", "name__istartswith")
    search_help_text = "Key or name, from its beginning"
    ordering = ("key",)
    empty_words = ("No customer yet", "`main` is made when a node first starts.")

    def extra_pages(self) -> list[tuple[str, Any, str]]:
        """Making one, and giving another name."""
        return [("new/", self.new_view, "new"), ("<int:pk>/rename/", self.rename_view, "rename")]

    def list_tools(self, request: HttpRequest) -> list[tuple[str, str]]:
        """The button to make one."""
        return [("New customer", self.url("new"))] if self.may(request, "add") else []

    @admin.display(description="Name")
    def called(self, row: Customer) -> str:
        """What people call it."""
        return row.name or row.key

    @admin.display(description="Since")
    def made(self, row: Customer) -> str:
        """When it was made."""
        return when(row.created_at)

    def row_page(self, request: HttpRequest, row: Customer) -> HttpResponse:
        """One customer."""
        schedules = Schedule.objects.present().filter(customer=row).count()
        rows = [
            ("Key", row.key),
            ("Name", self.called(row)),
            ("Schedules", str(schedules)),
            ("Since", self.made(row)),
        ]
        tools = [("Rename", self.url("rename", row.pk))] if self.may(request, "change") else []
        return self.page(request, "review/facts.html", title=f"Customer {row}", rows=rows, tools=tools)

    def new_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for key and name, then make it."""
        self.require(request, "add")
        form = CustomerForm(request.POST or None)
        if form.is_valid():
            try:
                row = create_customer(**form.cleaned_data, actor=actor(request))
            except CustomerInvalidError as error:
                _tell(form, error)
            else:
                return self.done(request, f"The customer {row} is there.", self.url("change", row.pk))
        return self._ask(request, form, title="New customer", submit="Make it", back=self.url("changelist"))

    def rename_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for another name."""
        self.require(request, "change")
        row: Customer = self.found(request, pk)
        form = NameForm(request.POST or None, initial={"name": row.name})
        back = self.url("change", pk)
        if request.method == "POST" and form.is_valid():
            try:
                rename_customer(customer=row, name=form.cleaned_data["name"], actor=actor(request))
            except CustomerInvalidError as error:
                _tell(form, error)
            else:
                return self.done(request, "The name is changed.", back)
        return self._ask(request, form, title=f"Rename {row}", submit="Change the name", back=back)

    def _ask(self, request: HttpRequest, form: forms.Form, **words: Any) -> HttpResponse:
        status = 422 if form.is_bound and form.errors else 200
        return self.page(request, "review/form.html", form=form, status=status, **words)


def _tell(form: forms.Form, error: CustomerInvalidError) -> None:
    for problem in error.problems:
        form.add_error(problem.field, problem.message)
