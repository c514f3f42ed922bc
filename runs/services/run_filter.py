"""Which runs somebody means: the conditions of a bulk order, as values that can be kept."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Q

from runs.errors import InvalidRequestError
from runs.models import Attempt
from webgraph.session import Provenance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runs.models import RunQuerySet


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Conditions that all must hold; one that is empty or None says nothing.

    `attention` is "open" (failures nobody has dealt with), "resolved" or "pinned"; `search` the beginning of an automation's or
    a customer's key, or a run's id; `session` how an attempt of it came to be signed in.
    """

    states: tuple[str, ...] = ()
    automation: str = ""
    customer: str = ""
    cause: str = ""
    failure_kind: str = ""
    session: str = ""
    attention: str = ""
    search: str = ""
    root: UUID | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it means every run there is."""
        return self == RunFilter()

    def apply(self, rows: RunQuerySet) -> RunQuerySet:
        """Those of the rows that are meant."""
        named = {
            "state__in": self.states,
            "automation__key": self.automation,
            "customer__key": self.customer,
            "cause": self.cause,
            "failure_kind": self.failure_kind,
        }
        rows = rows.filter(**{column: value for column, value in named.items() if value})
        if self.root is not None:
            rows = rows.filter(Q(root=self.root) | Q(pk=self.root))
        rows = _attended(rows, self.attention)
        if self.session:
            rows = signed_in(rows, self.session)
        rows = rows.created_between(self.created_after, self.created_before)
        return searched(rows, self.search)

    def as_json(self) -> dict[str, Any]:
        """The conditions that say something, as JSON."""
        return {name: _plain(value) for name, value in asdict(self).items() if value}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> RunFilter:
        """The filter that was kept."""
        values = dict(kept)
        values["states"] = tuple(values.get("states", ()))
        if "root" in values:
            values["root"] = UUID(values["root"])
        for name in ("created_after", "created_before"):
            if name in values:
                values[name] = datetime.fromisoformat(values[name])
        return cls(**values)

    def in_words(self) -> list[tuple[str, str]]:
        """Each condition that says something: its name and its value."""
        return [
            (name.replace("_", " "), ", ".join(value) if isinstance(value, list) else str(value))
            for name, value in self.as_json().items()
        ]


def signed_in(rows: RunQuerySet, provenance: str) -> RunQuerySet:
    """Runs of which an attempt came to be signed in this way; InvalidRequestError when there is no such way.

    As a list of ids, not as EXISTS: it begins with the attempts, so that few of them are found at once among a million runs.
    """
    if provenance not in set(Provenance):
        raise InvalidRequestError("session", f"{provenance!r} is not one of {', '.join(Provenance)}.")
    return rows.filter(pk__in=Attempt.objects.signed_in(provenance).values("run"))


def searched(rows: RunQuerySet, term: str) -> RunQuerySet:
    """One run by its id; else those of automations or customers whose key begins so: both are indexed."""
    if not term:
        return rows
    try:
        return rows.filter(pk=UUID(term))
    except ValueError:
        return rows.filter(Q(automation__key__startswith=term) | Q(customer__key__startswith=term))


def _attended(rows: RunQuerySet, attention: str) -> RunQuerySet:
    if attention == "open":
        return rows.open_failures()
    if attention == "resolved":
        return rows.failures().filter(resolved_at__isnull=False)
    if attention == "pinned":
        return rows.filter(pinned_at__isnull=False)
    if attention:
        raise InvalidRequestError("attention", f"{attention!r} is not one of open, resolved, pinned.")
    return rows


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)
