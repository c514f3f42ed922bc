"""Housekeeping of `intake` that goes on by itself."""

from __future__ import annotations

from infra_shared.chores import Chore

CHORES = (
    Chore(name="sweep-events", path="intake.tasks.sweep_events", every_minutes=1),
    Chore(name="tell-edge", path="intake.tasks.tell_edge", every_minutes=1),
)
