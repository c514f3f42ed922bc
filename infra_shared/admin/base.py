"""What every page of the console is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property
from django.utils.text import capfirst
from unfold.admin import ModelAdmin

from infra_shared.admin.filter_links import offered_filters
from infra_shared.models import ALL
from infra_shared.reach import customers_of, reaches_all
from infra_shared.templatetags.console import NOTHING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.db.models import Model, QuerySet

    Tool = tuple[str, str]

MOST_COUNTED = 10_000
ROWS_PER_PAGE = 40


class CappedPaginator(Paginator[Any]):
    """Counts at most MOST_COUNTED rows, so that a list is as quick over a million rows as over ten thousand."""

    template_name = "review/pagination.html"

    @cached_property
    def count(self) -> int:
        """How many rows there are, up to the cap."""
        rows = cast("QuerySet[Model]", self.object_list)
        return rows.order_by()[:MOST_COUNTED].count()

    @property
    def is_capped(self) -> bool:
        """Whether there may be more rows than are counted."""
        return self.count >= MOST_COUNTED


def actor(request: HttpRequest) -> str:
    """The signed-in operator as the audit log writes it."""
    return f"operator:{request.user.get_username()}"


class ConsoleAdmin(ModelAdmin):
    """A model's pages: a quick list, and whatever pages of its own the subclass adds.

    Rows are written by services alone, so that stock adding, changing and deleting are off; `extra_pages` names the
    actions instead. A list is titled by `list_title` (else by what it lists) with `list_tools` in its header, and the page
    of one row is `row_page`. `customer_field` leads to the key of the customer a row belongs to: rows outside the operator's
    reach are not there for them. Pages that `need_full_reach` exist only for operators who reach every customer.
    """

    customer_field = ""
    need_full_reach = False

    list_per_page = ROWS_PER_PAGE
    list_max_show_all = ROWS_PER_PAGE
    show_full_result_count = False
    paginator = CappedPaginator
    list_filter_sheet = False
    list_fullwidth = True
    actions = None
    empty_value_display = NOTHING
    sortable_by = ()
    change_list_template = "review/change_list.html"
    list_title = ""
    usual_filters: Sequence[tuple[str, str]] = ()
    empty_words = ("Nothing here yet", "")

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whether the operator may look, and reaches far enough to."""
        return self.may(request, "view")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows within the operator's reach."""
        return self.within_reach(request, super().get_queryset(request))

    def within_reach(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Those of the rows that belong to a customer the operator reaches; all where rows belong to nobody."""
        customers = customers_of(request.user)
        if not self.customer_field or ALL in customers:
            return rows
        return rows.filter(**{f"{self.customer_field}__in": customers})

    def get_list_filter(self, request: HttpRequest) -> Any:
        """The list's filters; not the one that would name customers out of reach."""
        filters = super().get_list_filter(request)
        return filters if reaches_all(request.user) else [item for item in filters if item != "customer"]

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        """No: services create rows."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """No: services change rows."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """No: nothing is deleted by hand."""
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list with its buttons, its usual filters and those the operator keeps."""
        filters = offered_filters(
            owner=request.user,
            page=f"{self.opts.app_label}_{self.opts.model_name}_changelist",
            asked=request.META.get("QUERY_STRING", ""),
            usual=self.usual_filters,
        )
        context = {
            "title": self.list_title or self.plural,
            "tools": self.list_tools(request),
            "filters": filters,
            **self.list_context(request),
            **(extra_context or {}),
        }
        response: HttpResponse = super().changelist_view(request, context)
        return response

    def list_tools(self, request: HttpRequest) -> list[Tool]:
        """The buttons above the list that this operator may press: title and address of each."""
        return []

    def list_context(self, request: HttpRequest) -> dict[str, Any]:
        """What else the list's template shows, such as a `notice`."""
        return {}

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The page of one row, for who may see it; Http404 where it is not within reach."""
        self.require(request, "view")
        return self.row_page(request, self.found(request, object_id))

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Not there: what was done stands in the audit log, and nothing is written to the stock history."""
        raise Http404("What was done, and by whom, stands in the audit log.")

    def row_page(self, request: HttpRequest, row: Any) -> HttpResponse:
        """What is shown of one row; each list that links its rows has one."""
        msg = f"{self.plural} have no pages of their own."
        raise Http404(msg)

    @property
    def plural(self) -> str:
        """What the list lists, such as "API keys"."""
        return capfirst(str(self.opts.verbose_name_plural))

    def extra_pages(self) -> list[tuple[str, Callable[..., HttpResponse], str]]:
        """Pages below the list's address: route, view, name (its URL is admin:<app>_<model>_<name>)."""
        return []

    def get_urls(self) -> list[URLPattern]:
        """The extra pages before the stock ones, all behind the sign-in."""
        prefix = f"{self.opts.app_label}_{self.opts.model_name}_"
        own: list[URLPattern] = [
            path(route, self.admin_site.admin_view(view), name=prefix + name)
            for route, view, name in self.extra_pages()
        ]
        return [*own, *super().get_urls()]

    def url(self, name: str, *args: Any) -> str:
        """The address of one of this model's pages."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{name}", args=args)

    def section_url(self) -> str:
        """Where the page's section begins; the list, for most."""
        return self.url("changelist")

    def may(self, request: HttpRequest, action: str) -> bool:
        """Whether the operator has the model's permission, such as `view`, `change` or one of its own."""
        if self.need_full_reach and not reaches_all(request.user):
            return False
        return bool(request.user.has_perm(f"{self.opts.app_label}.{action}_{self.opts.model_name}"))

    def require(self, request: HttpRequest, action: str) -> None:
        """Raise PermissionDenied unless the operator may."""
        if not self.may(request, action):
            raise PermissionDenied

    def require_all(self, request: HttpRequest, *permissions: str) -> None:
        """Raise PermissionDenied unless the operator has these permissions of other models, such as `runs.request_run`."""
        if not request.user.has_perms(permissions):
            raise PermissionDenied

    def found(self, request: HttpRequest, pk: Any) -> Any:
        """The row of a page, within what the operator may see; Http404 else."""
        row = self.get_object(request, str(pk))
        if row is None:
            msg = f"There is no {self.opts.verbose_name} {pk}."
            raise Http404(msg)
        return row

    def page(
        self, request: HttpRequest, template: str, *, title: str, status: int = 200, **context: Any
    ) -> TemplateResponse:
        """A page inside the console's frame."""
        request.current_app = self.admin_site.name
        shared = {**self.admin_site.each_context(request), "title": title, "is_fullwidth": "1"}
        shared["section"] = (self.list_title or self.plural, self.section_url())
        return TemplateResponse(request, template, {**shared, **context}, status=status)

    def done(self, request: HttpRequest, message: str, url: str) -> HttpResponse:
        """Say what happened and go on to a page."""
        messages.success(request, message)
        return HttpResponseRedirect(url)

    def refused(self, request: HttpRequest, message: str, url: str) -> HttpResponse:
        """Say why nothing happened and go on to a page."""
        messages.error(request, message)
        return HttpResponseRedirect(url)
