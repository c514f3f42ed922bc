"""What django-q2 calls. Tickets and chores name these functions by their dotted path; never rename one in use."""

from __future__ import annotations

from intake.services import routing


def route_events() -> int:
    """Route what is pending; harmless when it comes late or twice. Returns how many events."""
    return routing.route_pending()


def sweep_events() -> bool:
    """See to it that no event stands still; returns whether one did."""
    return routing.sweep()
