"""The dispatcher: a loop of ticks that moves along whatever is due.

Any number may run. One that just started, or that could not tick for longer than a heartbeat, waits one lease
before it ends attempts as lost: their workers may have been cut off together with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db import DatabaseError, close_old_connections

from infra_shared import clock
from infra_shared.database import is_lock_or_connection_error
from runs.services import dispatching, scheduling

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

TICK_SECONDS = 0.25
OUTAGE_PAUSE_SECONDS = 1.0
_log = structlog.get_logger(__name__)


class Dispatcher:
    """Ticks, and remembers since when it may declare attempts lost."""

    def __init__(self, *, lease: timedelta, monotonic: Callable[[], float] = clock.monotonic) -> None:
        self._lease_seconds = lease.total_seconds()
        self._monotonic = monotonic
        self._last_tick = monotonic()
        self._may_reap_from = self._last_tick + self._lease_seconds

    def tick(self) -> None:
        """Do everything that is due now. Raises DatabaseError when the database does not answer."""
        began = self._monotonic()
        if began - self._last_tick > self._lease_seconds / 4:
            self._may_reap_from = began + self._lease_seconds
        scheduling.fire_due_schedules()
        dispatching.expire_waiting_runs()
        if began >= self._may_reap_from:
            dispatching.reap_lost_attempts()
        dispatching.reap_overdue_attempts()
        dispatching.dispatch_due_attempts()
        self._last_tick = self._monotonic()


def run_dispatcher(*, stopping: Callable[[], bool], sleep: Callable[[float], None] = clock.sleep) -> None:
    """Tick until `stopping` says so; a database that does not answer is waited for."""
    dispatcher = Dispatcher(lease=settings.LEASE)
    while not stopping():
        try:
            dispatcher.tick()
        except DatabaseError as error:
            if not is_lock_or_connection_error(error):
                raise
            _log.warning("dispatcher_waits_for_database", error=str(error))
            close_old_connections()
            sleep(OUTAGE_PAUSE_SECONDS)
        else:
            sleep(TICK_SECONDS)
