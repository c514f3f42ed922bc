"""Tickets for routing: hints, for a sweeper looks after every event that is left pending."""

from __future__ import annotations

from django.conf import settings
from django_q.tasks import async_task

TASK = "intake.tasks.route_events"


def send_for_routing() -> None:
    """Make a ticket, part of the caller's transaction. It names no event: whoever takes it routes what is pending."""
    async_task(TASK, q_options={"cluster": settings.CHORES_QUEUE, "ack_failure": False})
