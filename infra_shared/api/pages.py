"""Lists in pages: `{items, next_cursor}`, by keyset, so that page 1,000 costs what page 1 does."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from ninja import Schema
from pydantic import Field

from infra_shared.api.problems import BadCursorError

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import Model, QuerySet

T = TypeVar("T")
MAX_LIMIT = 200


class Page(Schema, Generic[T]):
    """One page of a list."""

    items: list[T]
    next_cursor: str | None = Field(
        description="Send it as `cursor` to get the next page; null on the last one."
    )


class PageQuery(Schema):
    """Which page of a list."""

    limit: int = Field(50, ge=1, le=MAX_LIMIT, description="Items in a page, at most.")
    cursor: str | None = Field(
        None, max_length=500, description="`next_cursor` of the page before; leave out for the first."
    )


@dataclass(frozen=True, slots=True)
class Order:
    """How a list is ordered: by one unique column. `name` ties a cursor to its list."""

    name: str
    column: str = "pk"
    newest_first: bool = False

    def cursor(self, row: Model) -> str:
        """The opaque text that stands for the place behind `row`."""
        text = f"{self.name}:{getattr(row, self.column)}"
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def value(self, cursor: str) -> str:
        """The column's value a cursor holds; BadCursorError when it is none of this list."""
        padded = cursor + "=" * (-len(cursor) % 4)
        try:
            name, _, value = base64.b64decode(padded, altchars=b"-_", validate=True).decode().partition(":")
        except (binascii.Error, ValueError) as error:
            raise _bad_cursor() from error
        if name != self.name or not value or "\0" in value:
            raise _bad_cursor()
        return value


def page_of(rows: QuerySet[Any], query: PageQuery, order: Order, build: Callable[[Any], T]) -> Page[T]:
    """One page of `rows` in this order, each row made into an item by `build`."""
    ordered = rows.order_by(f"-{order.column}" if order.newest_first else order.column)
    if query.cursor is not None:
        comparison = f"{order.column}__{'lt' if order.newest_first else 'gt'}"
        try:
            ordered = ordered.filter(**{comparison: order.value(query.cursor)})
        except (ValidationError, ValueError, TypeError) as error:
            raise _bad_cursor() from error
    found = list(ordered[: query.limit + 1])
    more = len(found) > query.limit
    items = found[: query.limit]
    return Page[Any](
        items=[build(row) for row in items], next_cursor=order.cursor(items[-1]) if more else None
    )


def _bad_cursor() -> BadCursorError:
    return BadCursorError("The cursor is not one of this list. Send next_cursor as it came, or leave it out.")
