"""Filters of the run list that are no column of their own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.admin import SimpleListFilter
from django.utils import timezone

from infra_shared.moments import moment_of
from runs.services.run_filter import signed_in
from webgraph.session import Provenance

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.admin import ModelAdmin
    from django.http import HttpRequest

    from runs.models import RunQuerySet

_LENGTHS = {"1h": timedelta(hours=1), "24h": timedelta(hours=24), "7d": timedelta(days=7)}
BETWEEN = ".."


class AttentionFilter(SimpleListFilter):
    """What became of a failure, and what is kept."""

    title = "attention"
    parameter_name = "attention"
    _NARROWED: dict[str, tuple[str, Callable[[RunQuerySet], RunQuerySet]]] = {
        "open": ("Open failures", lambda rows: rows.open_failures()),
        "resolved": ("Resolved failures", lambda rows: rows.failures().filter(resolved_at__isnull=False)),
        "pinned": ("Pinned", lambda rows: rows.filter(pinned_at__isnull=False)),
    }

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        """The choices."""
        return [(value, title) for value, (title, _) in self._NARROWED.items()]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """The runs of the chosen one; all for a choice that does not exist."""
        chosen = self._NARROWED.get(self.value() or "")
        return chosen[1](queryset) if chosen else queryset


class SessionFilter(SimpleListFilter):
    """How an attempt of the run came to be signed in, where its automation shares a signed-in session."""

    title = "signed-in session"
    parameter_name = "session"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        """The choices."""
        return [(item.value, item.value.capitalize()) for item in Provenance]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """The runs of the chosen one; all for a choice that does not exist."""
        chosen = self.value()
        return signed_in(queryset, chosen) if chosen in set(Provenance) else queryset


class MomentFilter(SimpleListFilter):
    """When the run was asked for: of late, or between two moments `begin..end` as the overview's charts link them."""

    title = "time"
    parameter_name = "when"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        """The choices; two moments stand in the address alone, and are named while they are chosen."""
        choices = [("1h", "Last hour"), ("24h", "Last 24 hours"), ("7d", "Last 7 days")]
        asked = request.GET.get(self.parameter_name, "")
        bounds = bounds_of(asked)
        if bounds and asked not in _LENGTHS:
            begin, end = (timezone.localtime(moment) for moment in bounds)
            choices.append((asked, f"{begin:%d %b %H:%M} to {end:%d %b %H:%M}"))
        return choices

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """The runs asked for in that time."""
        bounds = bounds_of(self.value() or "")
        rows: RunQuerySet = queryset
        return rows.created_between(*bounds) if bounds else rows


def between(begin: datetime, end: datetime) -> str:
    """The filter's value for a time; in whole seconds of UTC."""
    return BETWEEN.join(moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for moment in (begin, end))


def bounds_of(value: str) -> tuple[datetime, datetime] | None:
    """The two moments a value of the filter stands for; None when it stands for none."""
    now = timezone.now()
    if value in _LENGTHS:
        return now - _LENGTHS[value], now + timedelta(minutes=1)
    begin, _, end = value.partition(BETWEEN)
    try:
        return moment_of(begin), moment_of(end)
    except ValueError:
        return None
