"""The pause switch: what stands still, since when, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import Q

from automations.models import Automation, Customer
from infra_shared.admin.base import ConsoleAdmin, actor
from infra_shared.reach import customers_of, reaches, reaches_all
from infra_shared.templatetags.console import when
from runs.errors import InvalidRequestError
from runs.limit_keys import Kind, in_words
from runs.models import EVERYTHING, Pause
from runs.services.pauses import customer_of, pause, resume

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse


class PauseForm(forms.Form):
    """What is to stand still, and why."""

    what = forms.ChoiceField(label="What")
    site = forms.CharField(
        required=False,
        max_length=200,
        label="Site",
        help_text="For a site: its address, such as https://shop.example.",
    )
    reason = forms.CharField(
        max_length=500,
        label="Reason",
        help_text="Everybody reads it, on every page.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, choices: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        what = self.fields["what"]
        assert isinstance(what, forms.ChoiceField)
        what.choices = choices

    @property
    def scope(self) -> str:
        """What was chosen, as a scope."""
        chosen = str(self.cleaned_data["what"])
        return Kind.SITE.of(self.cleaned_data["site"]) if chosen == Kind.SITE.value else chosen


class ResumeForm(forms.Form):
    """A word for the audit log."""

    reason = forms.CharField(
        required=False, max_length=500, label="Note", widget=forms.Textarea(attrs={"rows": 2})
    )


@admin.register(Pause)
class PauseAdmin(ConsoleAdmin):
    """What stands still now, the oldest first."""

    list_display = ("what", "why", "who", "since")
    ordering = ("paused_at",)
    empty_words = ("Nothing is paused", "A pause lets nothing new begin; what runs goes on.")

    def extra_pages(self) -> list[tuple[str, Any, str]]:
        """Pausing and resuming."""
        return [("begin/", self.begin_view, "begin"), ("<int:pk>/resume/", self.resume_view, "resume")]

    def within_reach(self, request: HttpRequest, rows: QuerySet[Pause]) -> QuerySet[Pause]:
        """Not those of customers out of reach."""
        if reaches_all(request.user):
            return rows
        own = [Kind.CUSTOMER.of(key) for key in customers_of(request.user)]
        return rows.filter(~Q(scope__startswith=Kind.CUSTOMER.of("")) | Q(scope__in=own))

    def list_tools(self, request: HttpRequest) -> list[tuple[str, str]]:
        """The button to pause."""
        return [("Pause …", self.url("begin"))] if self.may(request, "add") else []

    @admin.display(description="What")
    def what(self, row: Pause) -> str:
        """What stands still."""
        return scope_in_words(row.scope)

    @admin.display(description="Reason")
    def why(self, row: Pause) -> str:
        """Why."""
        return row.reason

    @admin.display(description="By")
    def who(self, row: Pause) -> str:
        """Who paused it."""
        return row.paused_by

    @admin.display(description="Since")
    def since(self, row: Pause) -> str:
        """Since when."""
        return when(row.paused_at)

    def row_page(self, request: HttpRequest, row: Pause) -> HttpResponse:
        """One pause and the button that ends it."""
        rows = [("Since", self.since(row)), ("By", row.paused_by), ("Reason", row.reason)]
        tools = [("Resume", self.url("resume", row.pk))] if self.may_end(request, row) else []
        title = f"{scope_in_words(row.scope)} is paused"
        return self.page(request, "review/facts.html", title=title, rows=rows, tools=tools)

    def every_page(self, request: HttpRequest) -> dict[str, Any]:
        """The banner: each pause that concerns the operator, with the way to end it for who may."""
        if not self.may(request, "view"):
            return {}
        pauses = [
            {
                "row": row,
                "words": scope_in_words(row.scope),
                "resume_url": self.url("resume", row.pk) if self.may_end(request, row) else "",
            }
            for row in self.get_queryset(request)
        ]
        return {"pauses": pauses}

    def may_end(self, request: HttpRequest, row: Pause) -> bool:
        """Whether the operator may resume: what concerns every customer needs the reach of every customer."""
        owner = customer_of(row.scope)
        within = reaches(request.user, owner) if owner else reaches_all(request.user)
        return within and self.may(request, "delete")

    def begin_view(self, request: HttpRequest) -> HttpResponse:
        """Ask what and why, then pause."""
        self.require(request, "add")
        form = PauseForm(request.POST or None, choices=_choices(request))
        if form.is_valid():
            try:
                row, is_new = pause(
                    scope=form.scope, reason=form.cleaned_data["reason"], actor=actor(request)
                )
            except InvalidRequestError as error:
                form.add_error("site" if form.cleaned_data["what"] == "site" else "what", str(error))
            else:
                said = "is paused. What runs goes on." if is_new else "was paused before."
                return self.done(request, f"{scope_in_words(row.scope)} {said}", self.url("changelist"))
        return self._ask(request, form, title="Pause", submit="Pause", back=self.url("changelist"))

    def resume_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Resume after asking."""
        self.require(request, "delete")
        row: Pause = self.found(request, pk)
        if not self.may_end(request, row):
            return self.refused(request, "It concerns customers out of your reach.", self.url("change", pk))
        form = ResumeForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            resume(scope=row.scope, actor=actor(request), reason=form.cleaned_data["reason"])
            return self.done(request, f"{scope_in_words(row.scope)} goes on.", self.url("changelist"))
        title = f"Resume {scope_in_words(row.scope).lower()}"
        return self._ask(request, form, title=title, submit="Resume", back=self.url("change", pk))

    def _ask(self, request: HttpRequest, form: forms.Form, **facts: Any) -> HttpResponse:
        return self.page(
            request, "review/form.html", form=form, status=422 if form.is_bound else 200, **facts
        )


def scope_in_words(scope: str) -> str:
    """A scope as people read it."""
    words = scope if scope == EVERYTHING else in_words(scope)
    return words[:1].upper() + words[1:]


def _choices(request: HttpRequest) -> list[tuple[str, str]]:
    keys = customers_of(request.user)
    customers = Customer.objects.order_by("key")
    if reaches_all(request.user):
        automations = Automation.objects.order_by("title").values_list("key", "title")
        first = [(EVERYTHING, "Everything"), (Kind.SITE.value, "A site")]
        first += [(Kind.AUTOMATION.of(key), f"Automation: {title}") for key, title in automations]
    else:
        first, customers = [], customers.filter(key__in=keys)
    return first + [(Kind.CUSTOMER.of(row.key), f"Customer: {row.key}") for row in customers]
