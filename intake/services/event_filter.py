"""Which events somebody means: the conditions of a list, and of a replay of many."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Q

if TYPE_CHECKING:
    from datetime import datetime

    from intake.models import EventQuerySet


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Conditions that all must hold; one that is empty or None says nothing.

    `search` is the id of an event or of the edge's message, or the beginning of a key or a type.
    """

    source: str = ""
    customer: str = ""
    type: str = ""
    states: tuple[str, ...] = ()
    search: str = ""
    stored_after: datetime | None = None
    stored_before: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it means every event there is."""
        return self == EventFilter()

    def apply(self, rows: EventQuerySet) -> EventQuerySet:
        """Those of the rows that are meant."""
        named = {
            "source__slug": self.source,
            "customer__key": self.customer,
            "type": self.type,
            "state__in": self.states,
        }
        rows = rows.filter(**{column: value for column, value in named.items() if value})
        rows = rows.stored_between(self.stored_after, self.stored_before)
        return searched(rows, self.search)

    def in_words(self) -> dict[str, str]:
        """Each condition that says something, with its value as text."""
        said = ((item.name, getattr(self, item.name)) for item in fields(self))
        return {
            name: ", ".join(value) if isinstance(value, tuple) else str(value)
            for name, value in said
            if value
        }


def searched(rows: EventQuerySet, term: str) -> EventQuerySet:
    """One event by an id; else those whose key or type begins so."""
    if not term:
        return rows
    try:
        wanted = UUID(term)
    except ValueError:
        return rows.filter(Q(key__startswith=term) | Q(type__startswith=term))
    return rows.filter(Q(pk=wanted) | Q(message_id=wanted))
