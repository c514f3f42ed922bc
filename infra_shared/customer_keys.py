"""Whether the customers that somebody names are there.

To this layer a customer is an opaque string. The app that keeps them names, as `unknown_customers` in its AppConfig, the
function that tells which of some keys no customer has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import apps
from django.utils.module_loading import import_string

from infra_shared.models.caller import ALL

if TYPE_CHECKING:
    from collections.abc import Iterable


class UnknownCustomersError(ValueError):
    """Customers were named that are not there; the message names them and says how to make one."""


def typed_customers(text: str) -> list[str]:
    """The keys that somebody typed with commas between, checked; UnknownCustomersError names those that are not there."""
    keys = [part.strip() for part in text.split(",") if part.strip()]
    check_customers(keys)
    return keys


def check_customers(keys: Iterable[str]) -> None:
    """Return when each key is that of a customer, or `*` for all of them; UnknownCustomersError names the others."""
    named = set(keys) - {ALL}
    for config in apps.get_app_configs():
        path = getattr(config, "unknown_customers", "")
        if path and (unknown := import_string(path)(named)):
            raise UnknownCustomersError(
                f"There is no customer {', '.join(map(repr, unknown))}. Make it first, under Customers or by `customers create`."
            )
