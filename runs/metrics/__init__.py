"""What is measured of runs, queues, schedules, workers and limits; importing it registers the figures."""

from __future__ import annotations

from runs.metrics import queues, runs, schedules, slots, workers

__all__ = ["queues", "runs", "schedules", "slots", "workers"]
