"""Cancelling or rerunning what the list of runs shows: seen first, then ordered, then watched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.template.response import TemplateResponse
from django.urls import reverse

from automations.models import Automation, Customer
from infra_shared.admin.base import ConsoleAdmin, actor
from infra_shared.reach import customers_of
from infra_shared.templatetags.console import pill, when
from runs.admin.asking import ReasonForm
from runs.admin.run_filters import bounds_of
from runs.errors import RunsError
from runs.models import BulkKind, BulkOrder
from runs.services.bulk_orders import BulkRequest, give_bulk_order, orders_for, plan_bulk
from runs.services.run_filter import RunFilter
from runs.states import TERMINAL_RUNS

if TYPE_CHECKING:
    from collections.abc import Collection

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse, QueryDict

STOP_POLLING = 286
"""htmx swaps the answer in and asks no more."""
ITEMS_SHOWN = 50
_PERMISSION = {BulkKind.CANCEL: "cancel", BulkKind.RERUN: "request"}
_TITLES = {BulkKind.CANCEL: "Cancel these runs", BulkKind.RERUN: "Rerun these runs"}
_OF_ENDED = frozenset({"open", "resolved"})
"""What the list's filter of attention calls failures."""
_OF_THE_LIST = frozenset({"p", "o", "e", "_changelist_filters"})
"""What the list's address says about itself, not about runs."""


class UnfitFilterError(ValueError):
    """The list is narrowed by something a bulk order cannot keep."""


def filter_of(query: QueryDict, *, customers: Collection[str]) -> RunFilter:
    """What the list of runs shows under this address, as conditions that can be kept; UnfitFilterError names the rest.

    `customers` are those within reach: of any other one not even the key is told.
    """
    begin, end = bounds_of(query.get("when", "")) or (None, None)
    known = {
        "state__exact",
        "state__in",
        "failure_kind__exact",
        "cause__exact",
        "automation__id__exact",
        "customer__id__exact",
        "session",
        "attention",
        "when",
        "q",
    }
    unfit = sorted(set(query) - known - _OF_THE_LIST)
    if unfit:
        raise UnfitFilterError(
            f"A bulk action cannot be narrowed by {', '.join(unfit)}. Choose other filters."
        )
    return RunFilter(
        states=tuple(sorted(_states(query))),
        failure_kind=query.get("failure_kind__exact", ""),
        cause=query.get("cause__exact", ""),
        session=query.get("session", ""),
        automation=_key_of(Automation.objects.all(), query.get("automation__id__exact", "")),
        customer=_key_of(Customer.objects.for_customers(customers), query.get("customer__id__exact", "")),
        attention=query.get("attention", ""),
        search=query.get("q", "").strip(),
        created_after=begin,
        created_before=end,
    )


class BulkActions(ConsoleAdmin):
    """The buttons above the list of runs, and the page behind each."""

    def extra_pages(self) -> list[tuple[str, Any, str]]:
        """One page that looks first and orders then."""
        return [("bulk/<slug:kind>/", self.bulk_view, "bulk"), *super().extra_pages()]

    def list_tools(self, request: HttpRequest) -> list[tuple[str, str]]:
        """A button for each kind, once the list is narrowed."""
        query = request.GET.urlencode()
        if not query:
            return []
        return [
            (_TITLES[kind], f"{self.url('bulk', kind.value)}?{query}")
            for kind in (BulkKind.RERUN, BulkKind.CANCEL)
            if self.may(request, _PERMISSION[kind]) and _may_fit(kind, request.GET)
        ]

    def bulk_view(self, request: HttpRequest, kind: str) -> HttpResponse:
        """Say what an order would be about; give it when confirmed."""
        back = f"{self.url('changelist')}?{request.GET.urlencode()}"
        if kind not in BulkKind.values:
            return self.refused(request, "There is no such bulk action.", back)
        chosen = BulkKind(kind)
        self.require(request, _PERMISSION[chosen])
        form = ReasonForm(request.POST or None)
        customers = customers_of(request.user)
        try:
            wanted = BulkRequest(
                kind=chosen,
                filter=filter_of(request.GET, customers=customers),
                customers=tuple(customers),
                reason=form.data.get("reason", "")[:500],
                actor=actor(request),
            )
            plan = plan_bulk(wanted)
        except (UnfitFilterError, RunsError) as error:
            return self.refused(request, str(error), back)
        if request.method == "POST" and form.is_valid():
            order = give_bulk_order(wanted).order
            return self.done(
                request, "The order is given.", reverse("admin:runs_bulkorder_change", args=[order.pk])
            )
        return self.page(
            request,
            "review/bulk/ask.html",
            title=_TITLES[chosen],
            kind=chosen,
            plan=plan,
            conditions=wanted.filter.in_words(),
            form=form,
            back=back,
        )


@admin.register(BulkOrder)
class BulkOrderAdmin(ConsoleAdmin):
    """Orders about many runs, the newest first."""

    list_title = "Bulk orders"
    list_display = ("what", "state", "about", "counts", "who", "given")
    ordering = ("-id",)
    empty_words = ("No order was ever given", "Narrow the list of runs, then press “Rerun these runs”.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[BulkOrder]:
        """Those the operator may look at."""
        return orders_for(customers=customers_of(request.user), actor=actor(request)).order_by("-id")

    @admin.display(description="Order")
    def what(self, order: BulkOrder) -> str:
        """What is done with each run."""
        return order.get_kind_display()

    @admin.display(description="State")
    def state(self, order: BulkOrder) -> str:
        """Whether it is worked on."""
        return pill("succeeded", "finished") if order.finished_at else pill("running", "under way")

    @admin.display(description="Runs")
    def about(self, order: BulkOrder) -> str:
        """Which runs."""
        return "; ".join(f"{name}: {value}" for name, value in RunFilter.from_json(order.filter).in_words())

    @admin.display(description="Done / skipped / failed")
    def counts(self, order: BulkOrder) -> str:
        """How far it has got."""
        return f"{order.done} / {order.skipped} / {order.failed} of {order.total}"

    @admin.display(description="By")
    def who(self, order: BulkOrder) -> str:
        """Who gave it."""
        return order.requested_by

    @admin.display(description="Given")
    def given(self, order: BulkOrder) -> str:
        """When it was given."""
        return when(order.created_at)

    def extra_pages(self) -> list[tuple[str, Any, str]]:
        """The part that updates itself."""
        return [("<uuid:pk>/live/", self.live_view, "live")]

    def row_page(self, request: HttpRequest, order: BulkOrder) -> HttpResponse:
        """How far it has got, and what was skipped or failed."""
        title = f"{order.get_kind_display()} {order.total} run{'' if order.total == 1 else 's'}"
        return self.page(request, "review/bulk/order.html", title=title, **_shown(order))

    def live_view(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """The same again, until it is finished."""
        self.require(request, "view")
        order: BulkOrder = self.found(request, pk)
        status = STOP_POLLING if order.finished_at else 200
        return TemplateResponse(request, "review/bulk/progress.html", _shown(order), status=status)


def _may_fit(kind: BulkKind, query: QueryDict) -> bool:
    """Whether the list may hold such runs: what has ended cannot be cancelled, and nothing else can be rerun."""
    if query.get("attention") in _OF_ENDED:
        return kind == BulkKind.RERUN
    states = _states(query)
    return not states or any((state in TERMINAL_RUNS) == (kind == BulkKind.RERUN) for state in states)


def _states(query: QueryDict) -> list[str]:
    """The states that the list is narrowed to."""
    return [word for name in ("state__exact", "state__in") for word in query.get(name, "").split(",") if word]


def _shown(order: BulkOrder) -> dict[str, Any]:
    items = order.items.exclude(reason="").select_related("run__automation").order_by("-pk")
    return {
        "order": order,
        "conditions": RunFilter.from_json(order.filter).in_words(),
        "items": items[:ITEMS_SHOWN],
        "shown": ITEMS_SHOWN,
    }


def _key_of(rows: QuerySet[Automation] | QuerySet[Customer], pk: str) -> str:
    """The key of a row the list is narrowed to; one that is gone means no run."""
    if not pk:
        return ""
    found = rows.filter(pk=pk).values_list("key", flat=True).first() if pk.isdigit() else None
    return found or "?"  # no key is written so
