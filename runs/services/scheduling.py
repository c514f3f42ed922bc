"""Due schedules become occurrences and runs.

Each planned time ends as exactly one row: the unique key (schedule, fire_at) makes it once, whatever the number of
dispatchers. After an outage the planned times that passed are coalesced: the latest fires, the others are written
as coalesced.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice, takewhile

import structlog
from django.db import DatabaseError, transaction

from automations import fire_times
from automations.errors import ParamsInvalidError
from automations.models import Schedule
from infra_shared.database import database_now, is_lock_or_connection_error
from infra_shared.services.alerts import Severity, alert
from runs.errors import RunsError
from runs.models import Occurrence, OccurrenceState, Run
from runs.services.requests import Origin, RunRequest, request_run
from runs.states import Cause

ROWS_AT_ONCE = 500
"""Planned times handled in one transaction, so that a long outage never makes one long write lock."""
PUT_OFF = timedelta(minutes=1)
_log = structlog.get_logger(__name__)


def fire_due_schedules() -> int:
    """Handle every due schedule, each in its own transaction; returns how many runs were requested.

    A schedule that cannot be handled is put off by a minute with an alert; it never delays another one.
    """
    now = database_now()
    fired = 0
    for schedule_id in list(Schedule.objects.due(now).values_list("pk", flat=True)):
        try:
            fired += fire_schedule(schedule_id=schedule_id)
        except DatabaseError as error:
            if is_lock_or_connection_error(error):
                raise
            _put_off(schedule_id, error)
        except Exception as error:  # noqa: BLE001 - one broken schedule must not stop the others; it is recorded
            _put_off(schedule_id, error)
    return fired


@transaction.atomic
def fire_schedule(*, schedule_id: int) -> int:
    """Handle what one schedule has due; returns how many runs were requested (0 or 1)."""
    now = database_now()
    schedule = (
        Schedule.objects.due(now)
        .select_for_update(skip_locked=True, of=("self",))
        .select_related("automation__latest_version", "customer")
        .filter(pk=schedule_id)
        .first()
    )
    if schedule is None:
        return 0
    passed = takewhile(
        lambda fire_at: fire_at <= now, fire_times.after(schedule.rule, schedule.planned_until)
    )
    planned = list(islice(passed, ROWS_AT_ONCE))
    watermark = planned[-1] if planned else schedule.planned_until
    following = fire_times.next_after(schedule.rule, watermark)
    behind = following is not None and following <= now
    latest = planned.pop() if planned and not behind else None
    _write_coalesced(schedule, planned, now)
    fired = _fire(schedule, latest, now) if latest is not None else 0
    Schedule.objects.filter(pk=schedule.pk).update(planned_until=watermark, next_fire_at=following)
    return fired


def _write_coalesced(schedule: Schedule, times: list[datetime], now: datetime) -> None:
    reason = "passed while nothing was running; a later one stands for it"
    Occurrence.objects.bulk_create(
        [
            Occurrence(
                schedule=schedule,
                fire_at=fire_at,
                state=OccurrenceState.COALESCED,
                reason=reason,
                handled_at=now,
            )
            for fire_at in times
        ],
        ignore_conflicts=True,
    )


def _fire(schedule: Schedule, fire_at: datetime, now: datetime) -> int:
    if Occurrence.objects.filter(schedule=schedule, fire_at=fire_at).exists():
        return 0
    state, reason, run = _request(schedule, fire_at)
    Occurrence.objects.create(
        schedule=schedule, fire_at=fire_at, state=state, reason=reason, run=run, handled_at=now
    )
    return 1 if run else 0


def _request(schedule: Schedule, fire_at: datetime) -> tuple[OccurrenceState, str, Run | None]:
    request = RunRequest(
        automation=schedule.automation.key,
        params=schedule.params,
        customer=schedule.customer.key,
        version=schedule.pinned_version,
    )
    origin = Origin(
        cause=Cause.SCHEDULE,
        actor="dispatcher",
        cause_ref=f"schedule:{schedule.pk}:{fire_at:%Y-%m-%dT%H:%M:%SZ}",
    )
    try:
        with transaction.atomic():
            requested = request_run(request=request, origin=origin)
    except (RunsError, ParamsInvalidError) as error:
        alert(
            key=f"schedule-refused:{schedule.pk}",
            title=f"Schedule {schedule.name} was refused",
            text=str(error),
            severity=Severity.WARNING,
        )
        return OccurrenceState.REFUSED, str(error)[:500], None
    return OccurrenceState.FIRED, "", requested.run


@transaction.atomic
def _put_off(schedule_id: int, error: Exception) -> None:
    _log.error("schedule_broken", schedule_id=schedule_id, error=repr(error))
    now = database_now()
    Schedule.objects.filter(pk=schedule_id).update(next_fire_at=now + PUT_OFF)
    alert(
        key=f"schedule-broken:{schedule_id}",
        title=f"Schedule {schedule_id} cannot be fired",
        text=f"{error!r}. It is tried again in a minute.",
        severity=Severity.CRITICAL,
    )
