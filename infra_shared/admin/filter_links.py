"""The links above a list: its usual filters, and those an operator keeps under a name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra_shared.services.saved_filters import filters_of, normal_query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser


@dataclass(frozen=True, slots=True)
class FilterLink:
    """One link; `saved_id` of a filter that can be forgotten, None for a usual one."""

    title: str
    query: str
    is_on: bool
    saved_id: int | None = None


@dataclass(frozen=True, slots=True)
class OfferedFilters:
    """Every link above a list, and what could be kept: `query` is empty where nothing is filtered or kept already."""

    page: str
    links: Sequence[FilterLink]
    query: str

    @property
    def chosen(self) -> FilterLink | None:
        """The kept filter that the list shows now; None for any other view of it."""
        return next((link for link in self.links if link.is_on and link.saved_id), None)


def offered_filters(
    *, owner: AbstractBaseUser | AnonymousUser, page: str, asked: str, usual: Sequence[tuple[str, str]]
) -> OfferedFilters:
    """The links above the list `page`, shown with the query `asked`; `usual` has a title and a query for each."""
    now = normal_query(asked)
    links = [FilterLink(title, f"?{query}", normal_query(query) == now) for title, query in usual]
    links += [
        FilterLink(saved.name, f"?{saved.query}", saved.query == now, saved.pk)
        for saved in filters_of(owner=owner, page=page)
    ]
    is_known = any(link.is_on for link in links)
    return OfferedFilters(page, links, "" if is_known else now)
