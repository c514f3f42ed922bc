"""Pages of rows that know their customer by its key alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin

from infra_shared.admin.base import ConsoleAdmin
from infra_shared.customer_names import with_customer_names
from infra_shared.templatetags.console import NOTHING

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest


class CustomersByName(ConsoleAdmin):
    """They call the customer by its name: `whose` in a list, `customer_name` of a row on its page."""

    customer_field = "customer"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows within reach, with the names of their customers."""
        return with_customer_names(super().get_queryset(request))

    @admin.display(description="Customer")
    def whose(self, row: Any) -> str:
        """On whose behalf; a dash for what belongs to no customer."""
        return row.customer_name or NOTHING
