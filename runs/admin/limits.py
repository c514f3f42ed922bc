"""Limits that operators set: at once, and starts in a minute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin

from infra_shared.admin.base import ConsoleAdmin, actor
from infra_shared.templatetags.console import NOTHING, when
from runs.errors import InvalidRequestError
from runs.models import Limit, Slot
from runs.services.limits import remove_limit, set_limit

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


class LimitForm(forms.Form):
    """How much of what."""

    key = forms.CharField(
        max_length=255,
        label="For",
        help_text="site:https://shop.example, customer:KEY, automation:KEY, or key:NAME for what an automation computes.",
    )
    most = forms.IntegerField(
        required=False, min_value=1, label="At once", help_text="Attempts under way. Empty: what is declared."
    )
    starts_per_minute = forms.IntegerField(
        required=False,
        min_value=1,
        label="Starts per minute",
        help_text="For a site: how many attempts may begin there, evenly spaced. Empty: any number.",
    )


@admin.register(Limit)
class LimitAdmin(ConsoleAdmin):
    """Every limit that operators set, with what is in use."""

    need_full_reach = True  # a limit may name customers and accounts of anybody
    list_display = ("key", "at_once", "pace", "who", "changed")
    search_fields = ("key__startswith",)
    search_help_text = "For what, from its beginning"
    ordering = ("key",)
    empty_words = (
        "No limit is set",
        "Automations declare limits of their own; what is set here goes before.",
    )

    def extra_pages(self) -> list[tuple[str, Any, str]]:
        """Setting, changing, removing."""
        return [
            ("set/", self.set_view, "set"),
            ("<int:pk>/set/", self.reset_view, "reset"),
            ("<int:pk>/remove/", self.remove_view, "remove"),
        ]

    def list_tools(self, request: HttpRequest) -> list[tuple[str, str]]:
        """The button to set one."""
        return [("Set a limit", self.url("set"))] if self.may(request, "add") else []

    @admin.display(description="At once")
    def at_once(self, row: Limit) -> str:
        """How many are under way, and how many may be."""
        return f"{Slot.objects.filter(key=row.key).count()} of {row.most}" if row.most else NOTHING

    @admin.display(description="Starts per minute")
    def pace(self, row: Limit) -> str:
        """How many may begin in a minute."""
        return str(row.starts_per_minute or NOTHING)

    @admin.display(description="Set by")
    def who(self, row: Limit) -> str:
        """Who set it."""
        return row.set_by

    @admin.display(description="Set")
    def changed(self, row: Limit) -> str:
        """When it was set."""
        return when(row.set_at)

    def row_page(self, request: HttpRequest, row: Limit) -> HttpResponse:
        """One limit and who uses it now."""
        slots = Slot.objects.filter(key=row.key).select_related("attempt__run__automation")
        held = ", ".join(str(slot.attempt.run) for slot in slots[:20])
        rows = [
            ("At once", self.at_once(row)),
            ("Starts per minute", self.pace(row)),
            ("In use by", held or "nobody"),
            ("Set by", row.set_by),
            ("Set", self.changed(row)),
        ]
        tools = [("Change", self.url("reset", row.pk))] if self.may(request, "change") else []
        tools += [("Remove", self.url("remove", row.pk))] if self.may(request, "delete") else []
        return self.page(request, "review/facts.html", title=row.key, rows=rows, tools=tools)

    def set_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for a new limit."""
        self.require(request, "add")
        return self._take(request, LimitForm(request.POST or None), title="Set a limit")

    def reset_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for the numbers anew."""
        self.require(request, "change")
        row: Limit = self.found(request, pk)
        said = {"key": row.key, "most": row.most, "starts_per_minute": row.starts_per_minute}
        form = LimitForm(request.POST or None, initial=said)
        form.fields["key"].disabled = True
        return self._take(request, form, title=f"Change {row.key}")

    def remove_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Remove it after asking."""
        self.require(request, "delete")
        row: Limit = self.found(request, pk)
        if request.method == "POST":
            remove_limit(limit=row, actor=actor(request))
            return self.done(request, f"{row.key} is limited as declared again.", self.url("changelist"))
        return self.page(
            request,
            "review/form.html",
            title=f"Remove the limit of {row.key}",
            form=forms.Form(),
            warning="What automations declare will count again.",
            submit="Remove",
            back=self.url("change", pk),
        )

    def _take(self, request: HttpRequest, form: LimitForm, *, title: str) -> HttpResponse:
        if form.is_valid():
            try:
                row = set_limit(**form.cleaned_data, actor=actor(request))
            except InvalidRequestError as error:
                form.add_error(error.field, str(error))
            else:
                return self.done(request, f"The limit of {row.key} is set.", self.url("changelist"))
        return self.page(
            request,
            "review/form.html",
            title=title,
            form=form,
            status=422 if form.is_bound else 200,
            submit="Set the limit",
            back=self.url("changelist"),
        )
