"""What is measured of runs, queues, schedules, workers, browsers, storage and limits; importing it registers the figures."""

from __future__ import annotations

from runs.metrics import browsers, queues, runs, schedules, slots, storage, workers

__all__ = ["browsers", "queues", "runs", "schedules", "slots", "storage", "workers"]
