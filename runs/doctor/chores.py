"""Whether housekeeping goes on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django_q.models import Schedule, Task

from infra_shared.checkup import Check, bad, good, odd, register
from infra_shared.database import database_now
from runs.cluster.chores_sync import declared_chores

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra_shared.checkup import Finding

ADVICE = "See that a node without --no-chores is alive, and look for its log lines about cluster-chores."
_LATE = timedelta(minutes=5)
_LATELY = timedelta(days=1)


def look() -> Iterator[Finding]:
    """Compare the chores the code declares with django-q2's rows, and their next times with now."""
    now = database_now()
    declared = {chore.name: chore for chore in declared_chores()}
    next_times = dict(Schedule.objects.filter(cluster=settings.CHORES_QUEUE).values_list("name", "next_run"))
    missing = sorted(declared.keys() - next_times.keys())
    late = sorted(name for name, at in next_times.items() if at < now - _LATE)
    if missing:
        yield bad(f"{len(missing)} chores were never set up: {', '.join(missing)}.", ADVICE)
    if late:
        yield bad(f"{len(late)} chores are more than five minutes late: {', '.join(late)}.", ADVICE)
    if not missing and not late:
        yield good(f"{len(declared)} chores are in time.")
    failed = Task.objects.filter(success=False, stopped__gt=now - _LATELY)
    names = sorted(
        failed.filter(func__in=[chore.path for chore in declared.values()]).values_list("func", flat=True)
    )
    if names:
        yield odd(
            f"Chores failed {len(names)} times within a day: {', '.join(dict.fromkeys(names))}.",
            "Their errors are in the worker's log.",
        )


register(Check(name="chores", look=look, advice=ADVICE, order=110, after=("database", "migrations")))
