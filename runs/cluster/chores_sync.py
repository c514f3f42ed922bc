"""Every app's chores as rows of django-q2's scheduler: synced at node start."""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING

import structlog
from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django_q.models import Schedule

if TYPE_CHECKING:
    from infra_shared.chores import Chore

# django-q2 bakes the acknowledgement of failures in when a ticket is made; chores are tried again by django-q2.
OPTIONS = {"q_options": {"ack_failure": False}}
_LOCK = 0x63686F7265  # "chore": one number for PostgreSQL's advisory lock
_log = structlog.get_logger(__name__)


def declared_chores() -> list[Chore]:
    """The `CHORES` of every installed app that has a `chores` module."""
    found: list[Chore] = []
    for app in apps.get_app_configs():
        name = f"{app.name}.chores"
        if importlib.util.find_spec(name) is not None:
            found.extend(getattr(importlib.import_module(name), "CHORES", ()))
    return found


def sync_chores() -> None:
    """Make the scheduler's rows equal to what the apps declare. Rows that fit already keep their next time.

    Safe to call from any number of nodes at once.
    """
    chores = {chore.name: chore for chore in declared_chores()}
    with transaction.atomic():
        _one_at_a_time()
        known: dict[str, Schedule] = {}
        for row in Schedule.objects.filter(cluster=settings.CHORES_QUEUE):
            if row.name not in chores or row.name in known:
                row.delete()
                _log.info("chore_removed", chore=row.name)
            else:
                known[row.name] = row
        for chore in chores.values():
            _write(chore, known.get(chore.name))


def _write(chore: Chore, row: Schedule | None) -> None:
    wanted = {
        "func": chore.path,
        "schedule_type": Schedule.MINUTES,
        "minutes": chore.every_minutes,
        "repeats": -1,
        "kwargs": repr(OPTIONS),
    }
    if row is None:
        Schedule.objects.create(
            name=chore.name, cluster=settings.CHORES_QUEUE, next_run=timezone.now(), **wanted
        )
        _log.info("chore_added", chore=chore.name)
        return
    if any(getattr(row, column) != value for column, value in wanted.items()):
        Schedule.objects.filter(pk=row.pk).update(next_run=timezone.now(), **wanted)
        _log.info("chore_changed", chore=chore.name)


def _one_at_a_time() -> None:
    """Let one node sync at a time: names of schedules are not unique in django-q2's table.

    On SQLite the transaction holds the write lock from its first statement.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
