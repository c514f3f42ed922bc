"""How long what runs leave is kept: the whole policy in one table, and the rules an operator sets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.urls import reverse

from automations.models import Customer
from infra_shared.admin.base import ConsoleAdmin, actor
from infra_shared.templatetags.console import when
from runs.admin.wording import ARTIFACTS
from runs.errors import InvalidRequestError
from runs.models import RetentionRule
from runs.retention_policy import KINDS, LEAST_RUN_DAYS, QUARANTINED, RUN, Outcome, Policy
from runs.services.retention_rules import MOST_DAYS, read_policy, remove_rule, set_rule

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

OUTCOMES = {
    Outcome.SUCCEEDED: "Succeeded",
    Outcome.RESOLVED: "Failed, resolved",
    Outcome.FAILED: "Failed, open",
    Outcome.CANCELLED: "Cancelled",
}
OTHER_KINDS = {QUARANTINED: "Quarantined file", RUN: "The whole run"}


def kind_in_words(kind: str) -> str:
    """What a rule is about, such as "Picture" or "The whole run"."""
    return OTHER_KINDS.get(kind) or ARTIFACTS[next(item for item in ARTIFACTS if item.value == kind)]


def days_in_words(kind: str, days: int | None) -> str:
    """How long, such as "14 days"; without days a file stays as long as its run, a run for ever."""
    if days is None:
        return "for ever" if kind == RUN else "as long as its run"
    return f"{days} day{'' if days == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class Cell:
    """What the policy says of one kind and outcome, whether an operator said so, and where that is changed."""

    words: str
    is_set: bool
    url: str


class RuleForm(forms.Form):
    """How long what is kept, after which end, for whom."""

    kind = forms.ChoiceField(label="What", choices=[(kind, kind_in_words(kind)) for kind in KINDS])
    outcome = forms.ChoiceField(
        label="After a run that", choices=[(item.value, words) for item, words in OUTCOMES.items()]
    )
    customer = forms.ModelChoiceField(
        queryset=Customer.objects.all(), required=False, label="For", empty_label="All customers"
    )
    keep_days = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MOST_DAYS,
        label="Days",
        help_text=f"From the end of the run. Empty: a file stays as long as its run, a run for ever. "
        f"A run stays {LEAST_RUN_DAYS} days or more, and no shorter than any file of it may.",
    )


@admin.register(RetentionRule)
class RetentionAdmin(ConsoleAdmin):
    """The policy, with what was set for all customers in it, and the rules of single customers."""

    need_full_reach = True  # a rule may name any customer
    list_title = "Retention"
    change_list_template = "review/retention/list.html"
    list_display = ("what", "after", "whose", "how_long", "who", "changed")
    list_select_related = ("customer",)
    ordering = ("kind", "outcome", "pk")
    empty_words = ("No rule is set", "What the table says are the defaults.")

    def extra_pages(self) -> list[tuple[str, Any, str]]:
        """Setting and removing."""
        return [("set/", self.set_view, "set"), ("<int:pk>/remove/", self.remove_view, "remove")]

    def list_tools(self, request: HttpRequest) -> list[tuple[str, str]]:
        """The button to set one, and the ledger of what went."""
        tools = [("Set a rule", self.url("set"))] if self.may(request, "change") else []
        if request.user.has_perm("infra_shared.view_deletion"):
            tools.append(("What was removed", reverse("admin:infra_shared_deletion_changelist")))
        return tools

    def list_context(self, request: HttpRequest) -> dict[str, Any]:
        """The whole policy as it counts for customers without rules of their own."""
        policy, may_change = read_policy(), self.may(request, "change")
        return {
            "outcomes": list(OUTCOMES.values()),
            "policy": [
                (kind_in_words(kind), [self._cell(policy, kind, outcome, may_change) for outcome in OUTCOMES])
                for kind in KINDS
            ],
        }

    @admin.display(description="What")
    def what(self, row: RetentionRule) -> str:
        """The kind in words."""
        return kind_in_words(row.kind)

    @admin.display(description="After a run that")
    def after(self, row: RetentionRule) -> str:
        """The outcome in words."""
        return OUTCOMES[Outcome(row.outcome)]

    @admin.display(description="For")
    def whose(self, row: RetentionRule) -> str:
        """The customer."""
        return str(row.customer or "All customers")

    @admin.display(description="Kept")
    def how_long(self, row: RetentionRule) -> str:
        """The days in words."""
        return days_in_words(row.kind, row.keep_days)

    @admin.display(description="Set by")
    def who(self, row: RetentionRule) -> str:
        """Who set it."""
        return row.set_by

    @admin.display(description="Set")
    def changed(self, row: RetentionRule) -> str:
        """When it was set."""
        return when(row.set_at)

    def row_page(self, request: HttpRequest, row: RetentionRule) -> HttpResponse:
        """One rule."""
        rows = [
            ("What", self.what(row)),
            ("After a run that", self.after(row)),
            ("For", self.whose(row)),
            ("Kept", self.how_long(row)),
            ("Set by", row.set_by),
            ("Set", self.changed(row)),
        ]
        tools = [("Change", self._set_url(row.kind, row.outcome, row.customer_id))]
        tools.append(("Remove", self.url("remove", row.pk)))
        shown = tools if self.may(request, "change") else []
        return self.page(request, "review/facts.html", title=str(row), rows=rows, tools=shown)

    def set_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for a rule; an address may name what it is about."""
        self.require(request, "change")
        form = RuleForm(request.POST or None, initial=self._said(request))
        if form.is_valid():
            try:
                row = set_rule(**form.cleaned_data, actor=actor(request))
            except InvalidRequestError as error:
                form.add_error(error.field, str(error))
            else:
                told = f"{self.what(row)}: kept {self.how_long(row)}."
                return self.done(request, told, self.url("changelist"))
        return self.page(
            request,
            "review/form.html",
            title="Set how long something is kept",
            form=form,
            status=422 if form.is_bound else 200,
            warning="The next sweep removes what this keeps no longer, within minutes, and nobody can bring it back.",
            submit="Set the rule",
            back=self.url("changelist"),
        )

    def remove_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Remove it after asking."""
        self.require(request, "change")
        row: RetentionRule = self.found(request, pk)
        if request.method == "POST":
            remove_rule(rule=row, actor=actor(request))
            return self.done(request, "The rule is removed.", self.url("changelist"))
        rest = Policy(
            {key: days for key, days in read_policy().said.items() if key[2] is None and row.customer_id}
        )
        days = days_in_words(row.kind, rest.days(row.kind, Outcome(row.outcome)))
        return self.page(
            request,
            "review/form.html",
            title=f"Remove the rule of {self.what(row)}",
            form=forms.Form(),
            warning=f"It will be kept {days} again; what is older goes with the next sweep.",
            submit="Remove",
            back=self.url("change", pk),
        )

    def _cell(self, policy: Policy, kind: str, outcome: Outcome, may_change: bool) -> Cell:  # noqa: FBT001 - a fact of the page
        is_set = (kind, outcome.value, None) in policy.said
        words = days_in_words(kind, policy.run_days(outcome) if kind == RUN else policy.days(kind, outcome))
        return Cell(words, is_set, self._set_url(kind, outcome.value, None) if may_change else "")

    def _set_url(self, kind: str, outcome: str, customer_id: int | None) -> str:
        named = {"kind": kind, "outcome": outcome} | ({"customer": customer_id} if customer_id else {})
        return f"{self.url('set')}?{urlencode(named)}"

    def _said(self, request: HttpRequest) -> dict[str, Any]:
        """What the address names, with the days that count for it now."""
        said = {name: request.GET[name] for name in ("kind", "outcome", "customer") if request.GET.get(name)}
        if said.get("kind") in KINDS and said.get("outcome") in list(Outcome):
            customer = said.get("customer", "")
            owner = int(customer) if customer.isdecimal() else None
            return {**said, "keep_days": read_policy().days(said["kind"], Outcome(said["outcome"]), owner)}
        return said
