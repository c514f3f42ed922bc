"""Dispatchers: which of them get on with their work, by what they themselves wrote when a tick was done."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction

from infra_shared.database import database_now
from runs.models import DispatcherProcess

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

TICKING, SILENT = DISPATCHER_STATES = ("ticking", "silent")
_FORGET_AFTER = timedelta(hours=1)


def dispatcher_state(row: DispatcherProcess, now: datetime) -> str:
    """Whether a dispatcher does its work, in one word of `DISPATCHER_STATES`; three leases without a tick are silence."""
    return SILENT if row.ticked_at < now - 3 * settings.LEASE else TICKING


def read_dispatchers(now: datetime) -> list[tuple[DispatcherProcess, str]]:
    """Every dispatcher that did not leave on purpose, with its state; who ticked last comes first."""
    rows = DispatcherProcess.objects.select_related("node").defer("node__versions", "node__queues")
    return [(row, dispatcher_state(row, now)) for row in rows]


@transaction.atomic
def tell_tick(*, dispatcher_id: UUID, node_id: UUID | None, host_name: str, pid: int) -> None:
    """Write that a dispatcher completed a tick just now; its row is made by the first.

    A node has one dispatcher at a time: the row of one before it, which ended without a word, is replaced.
    """
    now = database_now()
    if DispatcherProcess.objects.filter(pk=dispatcher_id).update(ticked_at=now):
        return
    if node_id is not None:
        DispatcherProcess.objects.filter(node_id=node_id).delete()
    DispatcherProcess.objects.create(
        pk=dispatcher_id, node_id=node_id, host_name=host_name, pid=pid, ticked_at=now
    )


def end_dispatcher(*, dispatcher_id: UUID) -> None:
    """Remove the row of a dispatcher that leaves on purpose."""
    DispatcherProcess.objects.filter(pk=dispatcher_id).delete()


def forget_silent() -> int:
    """Remove the rows of dispatchers by themselves that ended without a word long ago; a node's goes with the node."""
    now = database_now()
    count, _ = DispatcherProcess.objects.filter(node__isnull=True, ticked_at__lt=now - _FORGET_AFTER).delete()
    return count
