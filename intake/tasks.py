"""What django-q2 calls. Tickets and chores name these functions by their dotted path; never rename one in use."""

from __future__ import annotations

import structlog
from django.conf import settings

from intake.errors import EdgeUnreachableError
from intake.services import edge_sync, routing

_log = structlog.get_logger(__name__)


def route_events() -> int:
    """Route what is pending; harmless when it comes late or twice. Returns how many events."""
    return routing.route_pending()


def sweep_events() -> bool:
    """See to it that no event stands still; returns whether one did."""
    return routing.sweep()


def tell_edge() -> int:
    """Tell the edge Worker, where there is one, of sources that were changed; returns how many."""
    if not settings.EDGE_WORKER_URL:
        return 0
    try:
        return edge_sync.sync_what_changed()
    except EdgeUnreachableError as error:
        _log.warning("edge_not_told", error=str(error))  # a minute later it is tried again
        return 0
