"""The registry of the overview: each app puts its panels here, and the first page shows them in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infra_shared.reach import reaches_all

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One part of the overview.

    `facts` reads what the template shows; `permission` is what an operator needs to see it, and every customer in reach
    where it says so; a wide panel takes the whole row.
    """

    title: str
    template: str
    facts: Callable[[HttpRequest], dict[str, Any]]
    permission: str
    order: int
    is_wide: bool = False
    need_full_reach: bool = False


_panels: list[Panel] = []


def register(panel: Panel) -> Panel:
    """Put a panel on the overview."""
    _panels.append(panel)
    _panels.sort(key=lambda item: item.order)
    return panel


def shown_panels(request: HttpRequest) -> list[dict[str, Any]]:
    """The panels this operator may see, each with what its template needs."""
    return [
        {"panel": panel, **panel.facts(request)}
        for panel in _panels
        if request.user.has_perm(panel.permission)
        and (reaches_all(request.user) or not panel.need_full_reach)
    ]
