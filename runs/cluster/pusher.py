"""From the ticket table into the cluster's queue: the loop of a cluster's pusher process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from django.db import DatabaseError, connections
from django.utils import timezone
from django_q.conf import Conf
from django_q.models import Schedule
from django_q.scheduler import scheduler
from django_q.signing import BadSignature, SignedPackage

from infra_shared.clock import monotonic
from infra_shared.database import is_lock_or_connection_error

if TYPE_CHECKING:
    from runs.cluster.broker import TicketBroker
    from runs.cluster.queues import PacketQueue, PlainQueue
    from runs.cluster.shared import Flag

OUTAGE_PAUSE_SECONDS = 1.0
BACKLOG_PAUSE_SECONDS = 0.05
SCHEDULER_SECONDS = 5.0
_log = structlog.get_logger(__name__)


def push_tickets(task_queue: PacketQueue | PlainQueue, closing: Flag, broker: TicketBroker) -> None:
    """Move tickets from the table to the worker processes until `closing` is raised, then give back what is unread.

    Takes the place of django-q2's pusher: that one ends when the database does not answer, and takes a ticket
    before there is room for it. In a cluster whose scheduler is on it also makes the tickets of due chores, so that
    the sentinel, whose beat is watched, never waits for the database.
    """
    pusher = _Pusher(task_queue, broker)
    while not closing.is_set():
        try:
            if not pusher.push():
                closing.wait(BACKLOG_PAUSE_SECONDS)
        except DatabaseError as error:
            if not is_lock_or_connection_error(error):
                raise
            _log.warning("pusher_waits_for_database", queue=broker.list_key, error=str(error))
            connections.close_all()
            closing.wait(OUTAGE_PAUSE_SECONDS)
    for task in task_queue.unread():
        broker.give_back(task["ack_id"])


class _Pusher:
    def __init__(self, task_queue: PacketQueue | PlainQueue, broker: TicketBroker) -> None:
        self._queue = task_queue
        self._broker = broker
        self._next_schedules = monotonic()

    def push(self) -> bool:
        """Put the next ticket into the queue; False at once when the one before was not taken yet."""
        if Conf.SCHEDULER and monotonic() >= self._next_schedules:
            self._next_schedules = monotonic() + SCHEDULER_SECONDS
            self._make_due_tickets()
        if not self._queue.empty():
            return False
        for ticket_id, payload in self._broker.dequeue() or ():  # waits Conf.POLL itself when there is none
            task = self._read(ticket_id, payload)
            if task is not None:
                self._queue.put(task)
        return True

    def _make_due_tickets(self) -> None:
        """Call django-q2's scheduler, only when a row is due: it takes SQLite's write lock in any case."""
        due = Schedule.objects.filter(cluster=Conf.CLUSTER_NAME, next_run__lt=timezone.now()).exclude(
            repeats=0
        )
        if due.exists():
            scheduler(broker=self._broker)

    def _read(self, ticket_id: int, payload: str) -> dict[str, Any] | None:
        """The task in a ticket; a ticket that cannot be read (other key, code that is gone) is removed."""
        try:
            task: dict[str, Any] = SignedPackage.loads(payload)
        except (BadSignature, TypeError, AttributeError, ImportError) as error:
            _log.exception("ticket_unreadable", queue=self._broker.list_key, error=str(error))
            self._broker.fail(ticket_id)
            return None
        return task | {"cluster": Conf.CLUSTER_NAME, "ack_id": ticket_id}
