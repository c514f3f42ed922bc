"""A schedule is tried out before it is handled, so that one that comes to no answer holds up nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automations import fire_times
from automations.errors import ParamsInvalidError
from automations.models import Schedule
from automations.services.params import check_params
from automations.services.schedule_params import params_at
from infra_shared.bounded import TookTooLongError, call_within
from runs.services.occurrences import version_of

if TYPE_CHECKING:
    import threading
    from datetime import datetime

    from automations.models import ScheduleQuerySet

TRIAL_SECONDS = 5.0
_hanging: dict[int, threading.Thread] = {}
"""Trials of this process that have not ended, by schedule: none is begun beside them."""


def try_out(schedule_id: int, fire_at: datetime | None = None) -> None:
    """Compute a schedule's next time and check the params it would have then, or those of `fire_at`.

    An automation checks params with code of its own, which may never return: here no transaction is open and no lock
    held. Raises TookTooLongError when it did not return in time, and whatever else makes the schedule unfit.
    """
    earlier = _hanging.get(schedule_id)
    if earlier is not None and earlier.is_alive():
        raise TookTooLongError(TRIAL_SECONDS, earlier)
    _hanging.pop(schedule_id, None)
    schedule = with_all_it_needs().filter(pk=schedule_id, deleted_at__isnull=True).first()
    if schedule is None:
        return
    try:
        call_within(TRIAL_SECONDS, lambda: _trial(schedule, fire_at))
    except TookTooLongError as error:
        _hanging[schedule_id] = error.thread
        raise


def with_all_it_needs() -> ScheduleQuerySet:
    """Schedules together with what their runs are made of."""
    return Schedule.objects.select_related(
        "automation__latest_version__automation", "customer", "pinned_version__automation"
    )


def _trial(schedule: Schedule, fire_at: datetime | None) -> None:
    moment = fire_at or fire_times.next_after(schedule.rule, schedule.planned_until)
    version = version_of(schedule)
    if moment is None or version is None:
        return
    try:
        check_params(version=version, params=params_at(schedule, version, moment))
    except ParamsInvalidError:
        return  # an answer, which the occurrence will tell: only coming to none is a fault
