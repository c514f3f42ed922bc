"""A planned time takes up its run, or its row says why it did not. Called with the schedule's row locked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db import transaction

from automations.errors import ParamsInvalidError
from automations.models import Overlap, Schedule
from automations.services.schedule_params import params_at
from automations.services.schedules import paused_in_words
from infra_shared.log_context import bound
from infra_shared.services.alerts import Severity, alert
from runs.errors import RunsError, WrongStateError
from runs.models import Occurrence, OccurrenceState, Run
from runs.services.cancelling import cancel_run
from runs.services.requests import Origin, RunRequest, request_run
from runs.states import TERMINAL_RUNS, Cause, RunState

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from automations.models import AutomationVersion

ACTOR = "dispatcher"
BACKFILL_PRIORITY = -10
"""Runs of the past wait for those of today."""
_UNFINISHED = sorted(set(RunState) - TERMINAL_RUNS)
_SUPERSEDED = "the next time came while it waited"
_REPLANNED = "the schedule was changed or resumed while it waited"
_DELETED = "the schedule was deleted while it waited"


_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Outcome:
    state: OccurrenceState
    reason: str = ""
    run: Run | None = None


def write_rows(
    schedule: Schedule, times: Iterable[tuple[datetime, str]], state: OccurrenceState, now: datetime
) -> None:
    """One row for each time that does not fire, with its reason; a time that has a row keeps it."""
    rows = [_row(schedule, fire_at, state, now, reason) for fire_at, reason in times]
    Occurrence.objects.bulk_create(rows, ignore_conflicts=True)


def take_up(schedule: Schedule, fire_at: datetime, now: datetime) -> bool:
    """Fire a planned time, or do what the schedule's overlap rule says; whether a run was requested.

    A time that has a row already is left alone: another dispatcher was quicker.
    """
    if Occurrence.objects.filter(schedule=schedule, fire_at=fire_at).exists():
        return False
    with bound(fire_at=fire_at.isoformat()):
        outcome = _overlapping(schedule, now) or _request(schedule, fire_at)
        row = _row(schedule, fire_at, outcome.state, now, outcome.reason)
        row.run = outcome.run
        row.save(force_insert=True)
        _tell(outcome)
    return outcome.run is not None


def release_waiting(schedule: Schedule, now: datetime, most: int) -> int:
    """Fire those of the schedule's waiting times whose turn has come, `most` at once; how many runs were requested."""
    waiting = list(Occurrence.objects.waiting().filter(schedule=schedule))
    staying = [row for row in waiting if not _dropped(row, schedule, now)]
    if schedule.overlap != Overlap.ALLOW:
        most = 0 if unfinished_runs(schedule) else 1
    fired = 0
    for row in staying[:most]:
        with bound(fire_at=row.fire_at.isoformat()):
            outcome = _request(schedule, row.fire_at, is_backfill=row.backfill)
            row.state, row.run, row.handled_at = outcome.state, outcome.run, now
            if outcome.reason or not row.backfill:
                row.reason = outcome.reason
            row.save()
            _tell(outcome)
        fired += outcome.run is not None
    return fired


def _tell(outcome: _Outcome) -> None:
    run_id = str(outcome.run.pk) if outcome.run is not None else None
    _log.info("occurrence_handled", state=outcome.state.value, run_id=run_id)


def unfinished_runs(schedule: Schedule) -> list[Run]:
    """The schedule's runs that have not ended, the earliest planned first."""
    runs = Run.objects.filter(state__in=_UNFINISHED, occurrence__schedule=schedule)
    return list(runs.select_related("occurrence", "customer").order_by("occurrence__fire_at"))


def version_of(schedule: Schedule) -> AutomationVersion | None:
    """The version its next run executes; None when nothing is published."""
    return schedule.pinned_version or schedule.automation.latest_version


def _overlapping(schedule: Schedule, now: datetime) -> _Outcome | None:
    """What the overlap rule makes of the time; None when nothing is in its way."""
    if schedule.overlap == Overlap.ALLOW:
        return None
    unfinished = unfinished_runs(schedule)
    waiting = Occurrence.objects.waiting().filter(schedule=schedule)
    if schedule.overlap == Overlap.CANCEL_RUNNING:
        Occurrence.objects.waiting().filter(schedule=schedule, backfill=False).update(
            state=OccurrenceState.COALESCED, reason=_SUPERSEDED, handled_at=now
        )
        unfinished = _cancelled(unfinished, schedule)
    first = waiting.filter(backfill=False).first()
    if not unfinished and first is None:
        return None
    earlier = _in_words(unfinished, first)
    if schedule.overlap == Overlap.SKIP:
        return _Outcome(OccurrenceState.SKIPPED, f"{earlier} has not ended")
    if first is not None:
        return _Outcome(OccurrenceState.SKIPPED, f"{earlier} has not ended, and another time waits already")
    return _Outcome(OccurrenceState.WAITING, f"waits until {earlier} has ended")


def _cancelled(unfinished: list[Run], schedule: Schedule) -> list[Run]:
    """Ask all of them to end, and return those that have not yet.

    One that waits for a person is left alone: it may hold a commit of unknown end, which no machine may settle.
    """
    for run in unfinished:
        if run.state == RunState.WAITING_INPUT:
            continue
        try:
            cancel_run(run=run, actor=ACTOR, reason="the schedule's next time has come")
        except WrongStateError:  # it ended by itself just now
            continue
    return unfinished_runs(schedule)


def _in_words(unfinished: list[Run], waiting: Occurrence | None) -> str:
    if not unfinished:
        assert waiting is not None
        return f"the time before it ({waiting.fire_at:%Y-%m-%d %H:%M:%S} UTC)"
    run = unfinished[-1]
    state = run.get_state_display().lower()
    return f"the run planned for {run.occurrence.fire_at:%Y-%m-%d %H:%M:%S} UTC ({state})"


def _dropped(row: Occurrence, schedule: Schedule, now: datetime) -> bool:
    """End a time that waited in vain; False when it may go on waiting."""
    if schedule.deleted_at is not None:
        reason = _DELETED
    elif schedule.paused_at is not None:
        reason = paused_in_words(schedule.pause_reason)
    elif row.handled_at <= schedule.replanned_at:
        reason = _REPLANNED
    else:
        return False
    row.state, row.reason, row.handled_at = OccurrenceState.SKIPPED, reason[:500], now
    row.save()
    return True


def _request(schedule: Schedule, fire_at: datetime, *, is_backfill: bool = False) -> _Outcome:
    origin = Origin(
        cause=Cause.SCHEDULE,
        actor=ACTOR,
        cause_ref=f"schedule:{schedule.pk}:{fire_at:%Y-%m-%dT%H:%M:%SZ}",
    )
    version = version_of(schedule)
    try:
        request = RunRequest(
            automation=schedule.automation.key,
            params=params_at(schedule, version, fire_at) if version is not None else {},
            customer=schedule.customer.key,
            version=schedule.pinned_version,
            priority=schedule.priority + (BACKFILL_PRIORITY if is_backfill else 0),
        )
        with transaction.atomic():
            requested = request_run(request=request, origin=origin)
    except (RunsError, ParamsInvalidError) as error:
        alert(
            key=f"schedule-refused:{schedule.pk}",
            title=f"Schedule {schedule.name} was refused",
            text=str(error),
            severity=Severity.WARNING,
            link=schedule_url(schedule),
            customer=schedule.customer.key,
            automation=schedule.automation.key,
        )
        return _Outcome(OccurrenceState.REFUSED, str(error)[:500])
    return _Outcome(OccurrenceState.FIRED, run=requested.run)


def schedule_url(schedule: Schedule) -> str:
    """The address of the schedule's page in the console."""
    return f"{settings.PUBLIC_URL}/admin/automations/schedule/{schedule.pk}/change/"


def _row(
    schedule: Schedule, fire_at: datetime, state: OccurrenceState, now: datetime, reason: str
) -> Occurrence:
    return Occurrence(
        schedule=schedule,
        fire_at=fire_at,
        state=state,
        reason=reason[:500],
        handled_at=now,
        offset_seconds=int(schedule.offset.total_seconds()),
    )
