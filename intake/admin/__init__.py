"""Console pages of webhooks: sources, triggers, the inbox of events, dead letters, and the panel of the overview."""

from __future__ import annotations

from intake.admin import dead_letters, events, panels, sources, triggers

__all__ = ["dead_letters", "events", "panels", "sources", "triggers"]
