"""Console pages of runs, and of automations and schedules as far as they need runs."""

from __future__ import annotations

from runs.admin import (
    alert_channels,
    alert_panels,
    alerts,
    artifacts,
    automations,
    families,
    heals,
    limits,
    nodes,
    panels,
    pauses,
    retention,
    runs,
    schedules,
    sessions,
    sites,
    storage,
)

__all__ = [
    "alert_channels",
    "alert_panels",
    "alerts",
    "artifacts",
    "automations",
    "families",
    "heals",
    "limits",
    "nodes",
    "panels",
    "pauses",
    "retention",
    "runs",
    "schedules",
    "sessions",
    "sites",
    "storage",
]
