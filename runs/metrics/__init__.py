"""What is measured of runs, queues, schedules, workers, dispatchers, browsers, storage and limits; importing it registers it."""

from __future__ import annotations

from runs.metrics import browsers, dispatchers, queues, runs, schedules, slots, storage, workers

__all__ = ["browsers", "dispatchers", "queues", "runs", "schedules", "slots", "storage", "workers"]
