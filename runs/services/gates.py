"""Gates: what keeps due attempts waiting although a worker process is free, besides full limits.

A pause, an open circuit breaker, a site's pace, and a session that another attempt signs in to. They are read anew for each turn and nothing is written on the
attempts that wait, so that none can be forgotten behind a gate that has opened.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Q

from runs.limit_keys import Kind, in_words
from runs.models import EVERYTHING, Attempt, Breaker, Pause, Site
from runs.services.demands import declared_limits, sites_of
from runs.services.session_doors import Doors, read_doors
from runs.states import TERMINAL_ATTEMPTS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from runs.models import AttemptQuerySet, Limit, Run


@dataclass(frozen=True, slots=True)
class Gates:
    """What is closed now: reasons by key. `probes` are the attempts that went ahead to a site that is half open."""

    everything: str
    paused: Mapping[str, str]
    broken: Mapping[str, str]
    paced: frozenset[str]
    probes: frozenset[int]
    doors: Doors

    def open_for(self, rows: AttemptQuerySet) -> AttemptQuerySet:
        """Those of the attempts that no gate keeps."""
        if self.everything:
            return rows.none()
        ahead = Q(pk__in=self.probes) if self.probes else None
        rows = rows.not_counting({*self.paused, *self.paced}).not_counting(self.broken, except_for=ahead)
        return rows.not_counting(self.doors.closed, except_for=Q(pk__in=self.doors.holders))

    def why_closed(self, run: Run) -> str:
        """Why attempts of a run wait at a gate, in words; empty when none keeps them. A pace is too short to tell."""
        if self.everything:
            return self.everything
        reasons = {**self.doors.closed, **self.broken, **self.paused}
        return next((reasons[key] for key in declared_limits(run) if key in reasons), "")


def read_gates(now: datetime) -> Gates:
    """What is closed now, in three queries; a probe that came to nothing is noticed and another one allowed."""
    pauses = {row.scope: f"Paused by {row.paused_by}: {row.reason}" for row in Pause.objects.all()}
    broken: dict[str, str] = {}
    paced: set[str] = set()
    probes: set[int] = set()
    for site in Site.objects.holding_back(now).select_related("probe"):
        key = Kind.SITE.of(site.origin)
        if site.next_start_at is not None and site.next_start_at > now:
            paced.add(key)
        if site.breaker == Breaker.HALF_OPEN and site.probe_id and not _is_over(site.probe):
            probes.add(site.probe_id)
        if _keeps_waiting(site, now):
            broken[key] = f"The circuit breaker of {in_words(key)} is open: {site.breaker_reason}"
    everything = pauses.pop(EVERYTHING, "")
    return Gates(everything, pauses, broken, frozenset(paced), frozenset(probes), read_doors(now))


def is_paused(run: Run) -> bool:
    """Whether a pause keeps new attempts of a run from beginning."""
    return Pause.objects.filter(scope__in=[EVERYTHING, *declared_limits(run)]).exists()


def pass_gates(*, run: Run, attempt: Attempt, said: Mapping[str, Limit], now: datetime) -> str | None:
    """Count this start at the sites of the run; the key of one that lets nobody begin now, None when all do.

    Call inside a transaction that is rolled back otherwise. The rows are locked in sorted order and never waited for: who
    holds one is starting an attempt there or ending one, and the next turn comes soon.
    """
    keys = sites_of(run)
    if not keys:
        return None
    paced = {key: row.starts_per_minute for key in keys if (row := said.get(key)) and row.starts_per_minute}
    origins = [key.removeprefix(Kind.SITE.of("")) for key in keys]
    known = set(Site.objects.filter(origin__in=origins).values_list("origin", flat=True))
    new = [
        key.removeprefix(Kind.SITE.of("")) for key in paced if key.removeprefix(Kind.SITE.of("")) not in known
    ]
    if new:
        Site.objects.bulk_create((Site(origin=origin) for origin in new), ignore_conflicts=True)
    locked = Site.objects.select_for_update(skip_locked=True).filter(origin__in=origins).order_by("origin")
    sites = {Kind.SITE.of(site.origin): site for site in locked}
    for key in keys:
        site = sites.get(key)
        if site is None:
            if key in paced or key.removeprefix(Kind.SITE.of("")) in known:
                return key
        elif not _let_through(site, attempt, paced.get(key), now):
            return key
    return None


def _let_through(site: Site, attempt: Attempt, starts_per_minute: int | None, now: datetime) -> bool:
    if _keeps_waiting(site, now) and site.probe_id != attempt.pk:
        return False
    if site.next_start_at is not None and site.next_start_at > now:
        return False
    changes: list[str] = []
    if site.breaker != Breaker.CLOSED and site.probe_id != attempt.pk:
        site.breaker, site.probe, site.changed_at = Breaker.HALF_OPEN, attempt, now
        changes += ["breaker", "probe", "changed_at"]
    if starts_per_minute:
        site.next_start_at = now + timedelta(minutes=1) / starts_per_minute
        changes.append("next_start_at")
    if changes:
        site.save(update_fields=changes)
    return True


def _keeps_waiting(site: Site, now: datetime) -> bool:
    """Whether the breaker lets nobody new through: it is open, or somebody has gone ahead and is not back."""
    if site.breaker == Breaker.OPEN:
        return site.probe_at is not None and site.probe_at > now
    return site.breaker == Breaker.HALF_OPEN and not _is_over(site.probe)


def _is_over(probe: Attempt | None) -> bool:
    """Whether the attempt that went ahead has ended without having told anything, or is gone."""
    return probe is None or probe.state in TERMINAL_ATTEMPTS
