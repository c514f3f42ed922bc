"""Keeping the filter of a list under a name, and forgetting it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from django.db import transaction

from infra_shared.models import SavedFilter
from infra_shared.services import audit

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

MOST_KEPT = 20
"""As many links as an operator can still read above a list."""
_OF_THE_PLACE = frozenset({"p", "o", "all", "e"})
"""Where in the list one was, what it was ordered by, and the list's own notes: no part of a filter."""


class FilterRefusedError(Exception):
    """A filter that cannot be kept; the message says what to do."""


def normal_query(query: str) -> str:
    """A query string as filters are kept and compared: without the place in the list, in the order of its names."""
    parts = [(name, value) for name, value in parse_qsl(query) if name not in _OF_THE_PLACE]
    return urlencode(sorted(parts))


def filters_of(*, owner: AbstractBaseUser | AnonymousUser, page: str) -> list[SavedFilter]:
    """The filters an operator keeps for one list, by name."""
    return list(SavedFilter.objects.filter(owner_id=owner.pk, page=page))


@transaction.atomic
def save_filter(
    *, owner: AbstractBaseUser | AnonymousUser, page: str, name: str, query: str, actor: str
) -> SavedFilter:
    """Keep a list's filter under a name; the same name again replaces it. Raises FilterRefusedError."""
    kept = normal_query(query)
    if not kept:
        raise FilterRefusedError("Nothing is filtered here: choose a filter first, then save it.")
    if len(kept) > _longest("query") or not 0 < len(name) <= _longest("name"):
        raise FilterRefusedError(f"Give the filter a name of 1 to {_longest('name')} characters.")
    others = SavedFilter.objects.filter(owner_id=owner.pk, page=page).exclude(name=name)
    if others.count() >= MOST_KEPT:
        raise FilterRefusedError(f"You keep {MOST_KEPT} filters of this list already: forget one first.")
    saved, _is_new = SavedFilter.objects.update_or_create(
        owner_id=owner.pk, page=page, name=name, defaults={"query": kept}
    )
    _note(saved, "saved_filter.save", actor)
    return saved


@transaction.atomic
def forget_filter(*, saved: SavedFilter, actor: str) -> None:
    """Take a filter from its owner's links."""
    _note(saved, "saved_filter.forget", actor)
    saved.delete()


def _note(saved: SavedFilter, action: str, actor: str) -> None:
    details = {"page": saved.page, "name": saved.name, "query": saved.query}
    audit.record(actor=actor, action=action, object_kind="saved_filter", object_id=saved.pk, details=details)


def _longest(field: str) -> int:
    return int(SavedFilter._meta.get_field(field).max_length or 0)  # type: ignore[union-attr]  # noqa: SLF001 - both are CharFields; Django documents _meta
