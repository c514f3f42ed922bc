"""Endpoints: what can run, and when it will."""

from __future__ import annotations

from automations.api.automations import router as automations
from automations.api.schedules import router as schedules

routers = (automations, schedules)
