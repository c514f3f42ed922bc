"""Every page the console has, found in the admin site's registry: a page added later is among them unnamed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.contrib import admin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import Model

    from tests.support.console import Screen

ROOT = "/admin/"
IN_ITS_FRAME = 'id="nav-sidebar"'
TELLING = ("state", "kind")
"""Fields whose every value is worth a page of its own."""
OF_EACH_ROW = ("change/", "view/")
PARTS = {
    "key": "shop-invoices",
    "number": 1,
    "step_pk": 0,
    "message_pk": 0,
    "secret_pk": 0,
    "which": "now",
    "kind": "cancel",
    "form": "json",
    "name": "index.html",
}
"""An example for each part of an address that is not a row's key."""


def console_pages(screen: Screen) -> list[str]:
    """The address of each page of the console that opens for the signed-in operator, with the rows there are.

    Left out are addresses that take forms, parts of pages, and files: what comes without the console's frame.
    """
    found = [ROOT, "/admin/password_change/"]
    for model, pages in admin.site._registry.items():
        info = pages.opts
        base = f"{ROOT}{info.app_label}/{info.model_name}/"
        routes = [base + str(item.pattern) for item in pages.get_urls() if item.name]
        routes += [ROOT + str(item.pattern) for item in getattr(pages, "site_urls", list)()]
        for route in routes:
            opened = (path for path in _addresses(route, model) if _is_page(screen, path))
            found += (
                opened if route.endswith(OF_EACH_ROW) else [path for path in [next(opened, None)] if path]
            )
    return list(dict.fromkeys(found))


def _addresses(route: str, model: type[Model]) -> Iterator[str]:
    """The route filled in for each example row; the route itself where it names none."""
    if "<" not in route:
        yield route
        return
    for row in _examples(model):
        keys = {"pk": row.pk, "object_id": row.pk, "id": row.pk, **PARTS}
        yield re.sub(r"<(?:\w+:)?(\w+)>", lambda part, keys=keys: str(keys[part[1]]), route)  # type: ignore[misc]  # the default binds this turn's keys


def _examples(model: Any) -> list[Model]:
    """The newest row; of models with a state or kind the newest of each."""
    names = {field.name for field in model._meta.get_fields()}
    telling = next((name for name in TELLING if name in names), None)
    rows = {getattr(row, telling) if telling else "": row for row in model.objects.order_by("pk")[:1000]}
    return list(rows.values())


def _is_page(screen: Screen, path: str) -> bool:
    answer = screen.page.request.get(screen.url + path, max_redirects=0)
    is_html = answer.headers.get("content-type", "").startswith("text/html")
    return answer.status == 200 and is_html and IN_ITS_FRAME in answer.text()
