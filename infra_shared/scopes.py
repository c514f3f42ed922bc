"""What an API key may do: every scope there is, each with what it opens.

A key holds the values; `*` stands for all of them, also those to come. To add one, add a row here: the check, the
API's reference and the commands read this list.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from infra_shared.models.caller import ALL

if TYPE_CHECKING:
    from collections.abc import Iterable


class Scope(StrEnum):
    """One permission of a key."""

    RUNS_READ = "runs:read"
    RUNS_WRITE = "runs:write"
    FILES_WRITE = "files:write"
    ARTIFACTS_READ = "artifacts:read"
    AUTOMATIONS_READ = "automations:read"
    SCHEDULES_READ = "schedules:read"
    SCHEDULES_WRITE = "schedules:write"
    PAUSES_READ = "pauses:read"
    PAUSES_WRITE = "pauses:write"
    ALERTS_READ = "alerts:read"
    ALERTS_WRITE = "alerts:write"
    EVENTS_READ = "events:read"
    EVENTS_WRITE = "events:write"
    SOURCES_READ = "sources:read"
    SOURCES_WRITE = "sources:write"
    METRICS_READ = "metrics:read"

    @property
    def opens(self) -> str:
        """What the scope opens, in words."""
        return _OPENS[self]


_OPENS = {
    Scope.RUNS_READ: "Read runs: their state, attempts, steps, transitions, results, and the list of their artifacts.",
    Scope.RUNS_WRITE: "Create, cancel and rerun runs.",
    Scope.FILES_WRITE: "Send files for the params of runs, and look at them.",
    Scope.ARTIFACTS_READ: "Read single artifacts and download their content.",
    Scope.AUTOMATIONS_READ: "Read automations: params, results, stages and versions.",
    Scope.SCHEDULES_READ: "Read schedules, their occurrences and what they plan.",
    Scope.SCHEDULES_WRITE: "Create, change, delete, pause, resume and backfill schedules.",
    Scope.PAUSES_READ: "Read what is paused.",
    Scope.PAUSES_WRITE: "Pause and resume everything, an automation, a site or a customer.",
    Scope.ALERTS_READ: "Read alerts: what needs somebody, since when, and who has taken it on.",
    Scope.ALERTS_WRITE: "Acknowledge, mute and unmute alerts.",
    Scope.EVENTS_READ: "Read the events that webhooks brought, with their bodies and what became of them.",
    Scope.EVENTS_WRITE: "Replay events.",
    Scope.SOURCES_READ: "Read sources and triggers; never the secrets of sources.",
    Scope.SOURCES_WRITE: "Create, change and delete sources and triggers, and rotate the secrets of sources.",
    Scope.METRICS_READ: "Read the figures of the whole installation at /metrics; for a key that reaches every customer.",
}


def unknown_scopes(scopes: Iterable[str]) -> list[str]:
    """Those that are no scope, so that nobody issues a key with a misspelt one."""
    known = {ALL, *(scope.value for scope in Scope)}
    return sorted(set(scopes) - known)
