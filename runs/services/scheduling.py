"""Due schedules become occurrences and runs.

Each planned time ends as exactly one row: the unique key (schedule, fire_at) makes it once, whatever the number of
dispatchers. Each schedule is handled in a transaction of its own, after a trial outside of it with a limit of time: what
is broken or hangs is put off with an alert and never delays another.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import islice, takewhile
from typing import TYPE_CHECKING

import structlog
from django.db import DatabaseError, transaction

from automations import fire_times
from automations.models import Schedule
from automations.services.schedules import paused_in_words, plan
from automations.services.unwritten import Leftover
from infra_shared.database import database_now, is_lock_or_connection_error
from infra_shared.log_context import bound
from infra_shared.services.alerts import Severity, alert
from runs.misfires import Fate, Lateness, Verdict, judge
from runs.models import Occurrence, OccurrenceState
from runs.services import occurrences
from runs.services.schedule_health import pause_if_failing
from runs.services.schedule_trials import try_out, with_all_it_needs

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from automations.models import ScheduleQuerySet

ROWS_AT_ONCE = 500
"""Planned times handled in one transaction, so that a long outage never makes one long write lock."""
FIRES_AT_ONCE = 20
"""Runs requested in one transaction, for the same reason."""
PUT_OFF = timedelta(minutes=1)
_log = structlog.get_logger(__name__)


def fire_due_schedules() -> int:
    """Handle every waiting time and every due schedule; returns how many runs were requested.

    A schedule that cannot be handled is put off by a minute with an alert; it never delays another one.
    """
    now = database_now()
    waiting = Occurrence.objects.waiting().order_by().values_list("schedule_id", flat=True).distinct()
    due = Schedule.objects.due(now).values_list("pk", flat=True)
    released = [_guarded(schedule_id, _try_and_release, _refuse_waiting) for schedule_id in list(waiting)]
    return sum(released) + sum(_guarded(schedule_id, _try_and_fire, _put_off) for schedule_id in list(due))


@transaction.atomic
def fire_schedule(*, schedule_id: int) -> int:
    """Handle what one schedule has due; returns how many runs were requested."""
    now = database_now()
    schedule = _locked(with_all_it_needs().due(now), schedule_id)
    if schedule is None:
        return 0
    if schedule.unwritten:
        _write_leftover(schedule, now)
        return 0
    pause_if_failing(schedule)
    verdicts = _verdicts(schedule, now)
    if schedule.paused_at is not None:
        reason = paused_in_words(schedule.pause_reason)
        verdicts = verdicts[:ROWS_AT_ONCE]
        times = [(verdict.fire_at, reason) for verdict in verdicts]
        occurrences.write_rows(schedule, times, OccurrenceState.SKIPPED, now)
        fired = 0
    else:
        verdicts = _portion(verdicts)
        fired = _carry_out(schedule, verdicts, now)
    if verdicts:
        schedule.planned_until = verdicts[-1].fire_at
    _plan_on(schedule)
    return fired


def _guarded(schedule_id: int, work: Callable[[int], int], give_up: Callable[[int, Exception], None]) -> int:
    with bound(schedule_id=schedule_id):
        try:
            return work(schedule_id)
        except DatabaseError as error:
            if is_lock_or_connection_error(error):
                raise
            give_up(schedule_id, error)
        except Exception as error:  # noqa: BLE001 - one broken schedule must not stop the others; it is recorded
            give_up(schedule_id, error)
        return 0


def _try_and_fire(schedule_id: int) -> int:
    try_out(schedule_id)
    return fire_schedule(schedule_id=schedule_id)


def _try_and_release(schedule_id: int) -> int:
    first = Occurrence.objects.waiting().filter(schedule=schedule_id).first()
    if first is None:
        return 0
    try_out(schedule_id, first.fire_at)
    return _release(schedule_id)


@transaction.atomic
def _release(schedule_id: int) -> int:
    schedule = _locked(with_all_it_needs(), schedule_id)
    if schedule is None:
        return 0
    return occurrences.release_waiting(schedule, database_now(), FIRES_AT_ONCE)


def _locked(rows: ScheduleQuerySet, schedule_id: int) -> Schedule | None:
    """The schedule, locked; None when it is none of the rows, or another dispatcher has it in hand."""
    locked = rows.select_for_update(skip_locked=True, of=("self",))
    return locked.filter(pk=schedule_id).first()


def _verdicts(schedule: Schedule, now: datetime) -> list[Verdict]:
    """What becomes of the times that have passed; of many, as many as it takes to judge a portion rightly."""
    due_by = now - schedule.offset
    later = fire_times.after(schedule.rule, schedule.planned_until)
    passed = takewhile(lambda fire_at: fire_at <= due_by, later)
    taken = list(islice(passed, ROWS_AT_ONCE + schedule.misfire_limit))
    lateness = Lateness(policy=schedule.misfire, grace=schedule.grace, limit=schedule.misfire_limit)
    verdicts = list(judge(taken, due_by=due_by, lateness=lateness))
    # What was only taken to judge the others is left for the next portion, and then judged rightly itself.
    return verdicts[:ROWS_AT_ONCE] if len(taken) > ROWS_AT_ONCE else verdicts


def _portion(verdicts: list[Verdict]) -> list[Verdict]:
    """The first of them, up to as many as may fire in one transaction."""
    fires = [number for number, verdict in enumerate(verdicts) if verdict.fate is Fate.FIRE]
    return verdicts if len(fires) <= FIRES_AT_ONCE else verdicts[: fires[FIRES_AT_ONCE - 1] + 1]


def _carry_out(schedule: Schedule, verdicts: list[Verdict], now: datetime) -> int:
    for fate, state in (
        (Fate.COALESCE, OccurrenceState.COALESCED),
        (Fate.MISS, OccurrenceState.MISSED),
    ):
        times = [(verdict.fire_at, verdict.reason) for verdict in verdicts if verdict.fate is fate]
        occurrences.write_rows(schedule, times, state, now)
    firing = [verdict.fire_at for verdict in verdicts if verdict.fate is Fate.FIRE]
    return sum(occurrences.take_up(schedule, fire_at, now) for fire_at in firing)


def _write_leftover(schedule: Schedule, now: datetime) -> None:
    """Write rows for times that a change of plan left behind, a portion of the first plan that has any."""
    left = Leftover.from_json(schedule.unwritten[0])
    times = takewhile(lambda fire_at: fire_at <= left.until, fire_times.after(left.rule, left.after))
    portion = list(islice(times, ROWS_AT_ONCE))
    rows = [(fire_at, left.reason) for fire_at in portion]
    occurrences.write_rows(schedule, rows, OccurrenceState(left.state), now)
    rest = [left.going_on_after(portion[-1]).to_json()] if len(portion) == ROWS_AT_ONCE else []
    schedule.unwritten = [*rest, *schedule.unwritten[1:]]
    _plan_on(schedule)


def _plan_on(schedule: Schedule) -> None:
    plan(schedule)
    schedule.save(update_fields=["planned_until", "next_fire_at", "unwritten"])


@transaction.atomic
def _put_off(schedule_id: int, error: Exception) -> None:
    now = database_now()
    Schedule.objects.filter(pk=schedule_id, next_fire_at__isnull=False).update(next_fire_at=now + PUT_OFF)
    _report(schedule_id, error, "It is tried again in a minute.")


@transaction.atomic
def _refuse_waiting(schedule_id: int, error: Exception) -> None:
    first = Occurrence.objects.waiting().filter(schedule=schedule_id).first()
    if first is not None:
        first.state, first.handled_at = OccurrenceState.REFUSED, database_now()
        first.reason = f"it could not be fired: {error!r}"[:500]
        first.save()
    _report(schedule_id, error, "The time that waited is refused.")


def _report(schedule_id: int, error: Exception, what_follows: str) -> None:
    _log.error("schedule_broken", error=repr(error))
    alert(
        key=f"schedule-broken:{schedule_id}",
        title=f"Schedule {schedule_id} cannot be fired",
        text=f"{error!r}. {what_follows}",
        severity=Severity.CRITICAL,
    )
