"""Endpoints: what the edge delivers, and what callers see of it."""

from __future__ import annotations

from intake.api.edge import router as edge
from intake.api.events import router as events
from intake.api.sources import router as sources
from intake.api.triggers import router as triggers

routers = (edge, events, sources, triggers)
