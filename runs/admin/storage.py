"""What customers have stored, their quotas, and where that leads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.urls import reverse

from automations.forms.customers import offer_customers
from automations.models import Customer
from infra_shared.admin.base import ConsoleAdmin, actor
from infra_shared.overview import Panel, register
from infra_shared.reach import customers_of
from infra_shared.sizes import in_words
from infra_shared.templatetags.console import when
from runs.admin.storage_chart import read_storage_chart
from runs.models import StorageQuota
from runs.services.quotas import MOST_BYTES, remove_quota, set_quota
from runs.services.storage_outlook import Outlook, read_outlooks
from runs.storage_forecast import AHEAD_DAYS

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

GB = 1000**3
SHOWN = 5


class QuotaForm(forms.Form):
    """How much for whom."""

    customer = forms.ModelChoiceField(queryset=Customer.objects.all(), label="Customer", empty_label=None)
    gigabytes = forms.FloatField(
        min_value=0.001,
        max_value=MOST_BYTES / GB,
        label="GB",
        help_text="Stored bytes in thousands of millions. Beyond it the oldest evidence of runs that succeeded goes before its time.",
    )


def lines(outlooks: list[Outlook]) -> list[dict[str, Any]]:
    """Each customer in words, as lists and the overview show it."""
    return [
        {
            "customer": item.customer,
            "stored": in_words(item.forecast.now_bytes),
            "quota": in_words(item.most_bytes) if item.most_bytes else "",
            "percent": round(100 * item.share),
            "later": in_words(item.in_a_month) if item.in_a_month is not None else "",
            "warning": _warning(item),
        }
        for item in outlooks
    ]


def _warning(item: Outlook) -> str:
    days = item.days_left
    if days is None:
        return ""
    return f"full in {days} day{'' if days == 1 else 's'}" if days else "over its quota"


@admin.register(StorageQuota)
class StorageAdmin(ConsoleAdmin):
    """Every customer with something stored, and the quotas that were set."""

    customer_field = "customer__key"
    list_title = "Storage"
    change_list_template = "review/retention/storage.html"
    list_display = ("whose", "how_much", "who", "changed")
    list_select_related = ("customer",)
    ordering = ("customer__key",)
    empty_words = (
        "No quota is set",
        "Customers without one have that of STORAGE_QUOTA_GB, or any number of bytes.",
    )

    def extra_pages(self) -> list[tuple[str, Any, str]]:
        """Setting and removing."""
        return [("set/", self.set_view, "set"), ("<int:pk>/remove/", self.remove_view, "remove")]

    def list_tools(self, request: HttpRequest) -> list[tuple[str, str]]:
        """The button to set one."""
        return [("Set a quota", self.url("set"))] if self.may(request, "change") else []

    def list_context(self, request: HttpRequest) -> dict[str, Any]:
        """What each customer in reach has, and the chart of all of them."""
        outlooks = read_outlooks(customers=customers_of(request.user))
        return {"lines": lines(outlooks), "chart": read_storage_chart(outlooks), "days": AHEAD_DAYS}

    @admin.display(description="Customer")
    def whose(self, row: StorageQuota) -> str:
        """The customer."""
        return str(row.customer)

    @admin.display(description="Quota")
    def how_much(self, row: StorageQuota) -> str:
        """The bytes in words."""
        return in_words(row.most_bytes)

    @admin.display(description="Set by")
    def who(self, row: StorageQuota) -> str:
        """Who set it."""
        return row.set_by

    @admin.display(description="Set")
    def changed(self, row: StorageQuota) -> str:
        """When it was set."""
        return when(row.set_at)

    def row_page(self, request: HttpRequest, row: StorageQuota) -> HttpResponse:
        """One quota."""
        rows = [
            ("Customer", self.whose(row)),
            ("Quota", self.how_much(row)),
            ("Set by", row.set_by),
            ("Set", self.changed(row)),
        ]
        address = f"{self.url('set')}?customer={row.customer_id}&gigabytes={row.most_bytes / GB:g}"
        tools = [("Change", address), ("Remove", self.url("remove", row.pk))]
        shown = tools if self.may(request, "change") else []
        return self.page(
            request, "review/facts.html", title=f"Quota of {row.customer}", rows=rows, tools=shown
        )

    def set_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for a quota; an address may name the customer."""
        self.require(request, "change")
        said = {name: request.GET[name] for name in ("customer", "gigabytes") if request.GET.get(name)}
        form = QuotaForm(request.POST or None, initial=said)
        offer_customers(form, request.user)
        if form.is_valid():
            most_bytes = int(form.cleaned_data["gigabytes"] * GB)
            row = set_quota(
                customer=form.cleaned_data["customer"], most_bytes=most_bytes, actor=actor(request)
            )
            told = f"{row.customer} may have {self.how_much(row)} stored."
            return self.done(request, told, self.url("changelist"))
        return self.page(
            request,
            "review/form.html",
            title="Set a quota",
            form=form,
            status=422 if form.is_bound else 200,
            warning="What is too much goes with the next sweep, within minutes, and nobody can bring it back.",
            submit="Set the quota",
            back=self.url("changelist"),
        )

    def remove_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Remove it after asking."""
        self.require(request, "change")
        row: StorageQuota = self.found(request, pk)
        if request.method == "POST":
            remove_quota(quota=row, actor=actor(request))
            return self.done(request, f"{row.customer} has no quota of its own.", self.url("changelist"))
        return self.page(
            request,
            "review/form.html",
            title=f"Remove the quota of {row.customer}",
            form=forms.Form(),
            warning="That of the installation counts again, where there is one.",
            submit="Remove",
            back=self.url("change", pk),
        )


def _panel(request: HttpRequest) -> dict[str, Any]:
    outlooks = read_outlooks(customers=customers_of(request.user))
    with_quota = [item for item in outlooks if item.most_bytes]
    return {
        "chart": read_storage_chart(outlooks),
        "lines": lines(with_quota[:SHOWN]),
        "days": AHEAD_DAYS,
        "more_url": reverse("admin:runs_storagequota_changelist"),
    }


register(
    Panel(
        title="Stored evidence",
        template="review/panels/storage.html",
        facts=_panel,
        permission="runs.view_storagequota",
        order=45,
    )
)
