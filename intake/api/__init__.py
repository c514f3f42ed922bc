"""Endpoints: what the edge delivers, and what callers see of it."""

from __future__ import annotations

from intake.api.edge import router as edge

routers = (edge,)
