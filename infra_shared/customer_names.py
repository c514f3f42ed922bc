"""What people call a customer: rows of this layer know it by its key alone.

The app that keeps the customers names their model, with the fields `key` and `name`, as `customer_model` in its AppConfig.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce


def with_customer_names(rows: QuerySet[Any]) -> QuerySet[Any]:
    """The rows, each with `customer_name`: what the customer is called whose key is in `customer`, else that key."""
    found: list[Subquery] = []
    for config in apps.get_app_configs():
        label = getattr(config, "customer_model", "")
        if label:
            called: QuerySet[Any] = QuerySet(apps.get_model(label)).exclude(name="")
            found.append(Subquery(called.filter(key=OuterRef("customer")).values("name")[:1]))
    key = F("customer")
    named: QuerySet[Any] = rows.annotate(customer_name=Coalesce(*found, key) if found else key)
    return named
