"""The dispatcher: a loop of ticks that moves along whatever is due.

Any number may run. One that just started, or that could not tick for longer than a heartbeat, waits one lease
before it ends attempts as lost: their workers may have been cut off together with it. Each quarter lease it writes that
its ticks are completed: who works is read from its row, and not guessed from what lies undone.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db import DatabaseError, close_old_connections

from infra_shared import clock
from infra_shared.database import await_write_lock, is_lock_or_connection_error
from infra_shared.ids import uuid7
from infra_shared.services.spools import host_name
from runs.services import dispatchers, dispatching, questions, scheduling

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta
    from uuid import UUID

TICK_SECONDS = 0.25
OUTAGE_PAUSE_SECONDS = 1.0
_log = structlog.get_logger(__name__)


class Dispatcher:
    """Ticks, and remembers since when it may declare attempts lost."""

    def __init__(self, *, lease: timedelta, monotonic: Callable[[], float] = clock.monotonic) -> None:
        self._lease_seconds = lease.total_seconds()
        self._monotonic = monotonic
        self._last_sign = monotonic()
        self._may_reap_from = self._last_sign + self._lease_seconds

    def tick(self) -> None:
        """Do everything that is due now. Raises DatabaseError when the database does not answer."""
        scheduling.fire_due_schedules()
        dispatching.expire_waiting_runs()
        questions.give_up_unanswered()
        self._reap_lost()
        dispatching.reap_overdue_attempts()
        dispatching.dispatch_due_attempts()
        self._got_on()

    def _reap_lost(self) -> None:
        if not dispatching.leases_run_low():
            return
        # Reading goes on while SQLite's write lock is held, and silent processes may only be waiting for it, as this
        # one does from now on: it begins half a lease before any lease ends, so a held lock is known by then.
        await_write_lock()
        if self._got_on():
            dispatching.reap_lost_attempts()

    def _got_on(self) -> bool:
        """Note that the database answered; True when it did so without a break for a whole lease.

        A break is longer than a heartbeat. Called after the work, as a tick that failed is no sign.
        """
        now = self._monotonic()
        if now - self._last_sign > self._lease_seconds / 4:
            self._may_reap_from = now + self._lease_seconds
        self._last_sign = now
        return now >= self._may_reap_from


class SignOfLife:
    """This dispatcher's row: written after a completed tick, and no more often than each quarter lease."""

    def __init__(
        self, *, lease: timedelta, node_id: UUID | None, monotonic: Callable[[], float] = clock.monotonic
    ) -> None:
        self._id = uuid7()
        self._node_id = node_id
        self._pause_seconds = lease.total_seconds() / 4
        self._monotonic = monotonic
        self._again_at = monotonic()

    def tell(self) -> None:
        """Write it, when it is time. Raises DatabaseError."""
        now = self._monotonic()
        if now < self._again_at:
            return
        dispatchers.tell_tick(
            dispatcher_id=self._id, node_id=self._node_id, host_name=host_name(), pid=os.getpid()
        )
        self._again_at = now + self._pause_seconds

    def end(self) -> None:
        """Take the row away; while the database is away it stays, and falls silent."""
        try:
            dispatchers.end_dispatcher(dispatcher_id=self._id)
        except DatabaseError as error:
            _log.warning("dispatcher_row_left", error=str(error))


def run_dispatcher(
    *,
    stopping: Callable[[], bool],
    node_id: UUID | None = None,
    sleep: Callable[[float], None] = clock.sleep,
) -> None:
    """Tick until `stopping` says so; a database that does not answer is waited for. `node_id`: whose dispatcher it is."""
    dispatcher = Dispatcher(lease=settings.LEASE)
    sign = SignOfLife(lease=settings.LEASE, node_id=node_id)
    while not stopping():
        try:
            dispatcher.tick()
            sign.tell()
        except DatabaseError as error:
            if not is_lock_or_connection_error(error):
                raise
            _log.warning("dispatcher_waits_for_database", error=str(error))
            close_old_connections()
            sleep(OUTAGE_PAUSE_SECONDS)
        else:
            sleep(TICK_SECONDS)
    sign.end()
