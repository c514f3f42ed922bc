"""The rules that nothing calls when they come true: late schedules, stuck queues, no dispatcher; and when any alert is over.

Looked at each minute by a chore. It opens and closes, so it may run late, twice, or on two nodes at once.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Count, F, Min, Q

from automations.models import Overlap, Schedule
from infra_shared import clock
from infra_shared.database import database_now
from infra_shared.models import Alert
from infra_shared.services.alerts import Severity, alert, close_alert
from infra_shared.templatetags.console import span
from runs.models import (
    Attempt,
    AutomationHealth,
    DispatcherProcess,
    FailureFamily,
    Node,
    Occurrence,
    OccurrenceState,
    Run,
)
from runs.services import alerts
from runs.services.dispatchers import TICKING, read_dispatchers
from runs.services.gates import read_gates
from runs.services.nodes import node_state
from runs.services.occurrences import schedule_url
from runs.states import AttemptState, RunState

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from runs.models import AttemptQuerySet

_LOOKED_BACK = timedelta(hours=1)
"""Longer than the chore is ever late; what is older was looked at."""
_STARTING = timedelta(minutes=3)
"""How long a node may take until its dispatcher has ticked."""
_SECOND_LOOK_SECONDS = 5.0
_QUIET = timedelta(days=7)
"""How long nothing may have been quarantined until an alert about it is over."""


def look_after_alerts(*, sleep: Callable[[float], None] = clock.sleep) -> dict[str, int]:
    """Open what the clock finds wrong and close what works again; how many of each."""
    now = database_now()
    late = _alert_late_occurrences(now) + _alert_overdue_schedules(now)
    opened = late + _alert_stuck_queues(now) + _alert_no_dispatcher(sleep)
    return {"open": opened, "closed": close_what_is_over(now=now)}


def close_what_is_over(*, now: datetime) -> int:
    """Close every open alert of a rule known here whose cause is gone; how many."""
    closed = 0
    for row in Alert.objects.open().of_rules(*_ENDINGS):
        reason = _ENDINGS[row.rule](row, now)
        closed += bool(reason) and close_alert(key=row.key, reason=reason)
    return closed


def _alert_late_occurrences(now: datetime) -> int:
    lately = Occurrence.objects.filter(handled_at__gt=now - _LOOKED_BACK, backfill=False)
    missed = Q(state=OccurrenceState.MISSED)
    # By the planned time, which the schedule's offset may explain: the rows that remain are judged one by one.
    late = Q(state=OccurrenceState.FIRED, handled_at__gt=F("fire_at") + settings.ALERT_LATE)
    rows = lately.filter(missed | late, schedule__deleted_at__isnull=True).order_by("handled_at")
    wrong = [
        row for row in rows.select_related("schedule__automation", "schedule__customer") if _is_late(row)
    ]
    for row in wrong:
        planned = f"The time planned for {row.fire_at:%Y-%m-%d %H:%M:%S} UTC"
        if row.state == OccurrenceState.MISSED:
            _alert_schedule(row.schedule, f"{planned} was missed: {row.reason}.", row.handled_at)
        else:
            _alert_schedule(row.schedule, f"{planned} fired {span(row.lateness)} late.", row.handled_at)
    return len(wrong)


def _is_late(row: Occurrence) -> bool:
    """Whether nobody wanted it so late: one that waited for the run before it was held back by its overlap rule."""
    if row.state == OccurrenceState.MISSED:
        return True
    return row.lateness > settings.ALERT_LATE and row.schedule.overlap != Overlap.QUEUE


def _alert_overdue_schedules(now: datetime) -> int:
    overdue = Schedule.objects.present().filter(
        paused_at__isnull=True, next_fire_at__lt=now - settings.ALERT_LATE
    )
    rows = list(overdue.select_related("automation", "customer"))
    for schedule in rows:
        assert schedule.next_fire_at is not None
        text = f"It was due at {schedule.next_fire_at:%Y-%m-%d %H:%M:%S} UTC and has not fired: is a dispatcher alive?"
        # One event for each planned time, however often it is looked at.
        _alert_schedule(schedule, text, schedule.next_fire_at + settings.ALERT_LATE)
    return len(rows)


def _alert_schedule(schedule: Schedule, text: str, happened_at: datetime) -> None:
    alert(
        key=f"{alerts.SCHEDULE_LATE}:{schedule.pk}",
        title=f"Schedule {schedule.name} is late",
        text=text,
        link=schedule_url(schedule),
        customer=schedule.customer.key,
        automation=schedule.automation.key,
        happened_at=happened_at,
    )


def _stuck(now: datetime) -> AttemptQuerySet:
    """Attempts that could start, and have waited too long for a worker; who is held at a gate waits for no worker."""
    waiting = Attempt.objects.filter(
        state=AttemptState.QUEUED,
        due_at__lt=now - settings.ALERT_QUEUE,
        run__state=RunState.QUEUED,
        waits_for__isnull=True,
    )
    return read_gates(now).open_for(waiting)


def _alert_stuck_queues(now: datetime) -> int:
    stuck = _stuck(now).values("queue").annotate(count=Count("pk"), first=Min("due_at"))
    queues = list(stuck.order_by("queue"))
    for row in queues:
        count = f"{row['count']} runs have" if row["count"] > 1 else "One run has"
        alert(
            key=f"{alerts.QUEUE}:{row['queue']}",
            title=f"The queue {row['queue']} is stuck",
            text=f"{count} waited for a worker, the longest for {span(now - row['first'])}. Does a live node serve it?",
            severity=Severity.CRITICAL,
            link=alerts.console_link(f"runs/run/?state__exact={RunState.QUEUED}"),
            now=now,
        )
    return len(queues)


def _alert_no_dispatcher(sleep: Callable[[float], None]) -> int:
    """Told from the chores, which need no dispatcher. Looked at twice: after an outage both have only just come back."""
    if not _nobody_dispatches():
        return 0
    sleep(_SECOND_LOOK_SECONDS)
    if not _nobody_dispatches():
        return 0
    now, known = database_now(), DispatcherProcess.objects.select_related("node").first()
    told = f"The last tick was completed {span(now - known.ticked_at)} ago, on {known}. " if known else ""
    alert(
        key=f"{alerts.DISPATCHER}:all",
        title="No dispatcher works",
        text=f"{told}Until one does, schedules fire and runs begin late, by a chore that does it once a minute.",
        severity=Severity.CRITICAL,
        link=alerts.console_link("runs/node/"),
        advice="Look for the log lines of the nodes' dispatchers, or start one: manage.py dispatcher",
        now=now,
    )
    return 1


def _nobody_dispatches() -> bool:
    """Whether no dispatcher ticks, though a node lives long enough to have brought one."""
    now = database_now()
    if any(state == TICKING for _, state in read_dispatchers(now)):
        return False
    grown_up = Node.objects.filter(started_at__lt=now - _STARTING).defer("versions", "queues")
    return any(node_state(node, now) == "alive" for node in grown_up)


def _failure_over(row: Alert, _now: datetime) -> str:
    """A success of the automation for the customer since the family was seen last."""
    family = FailureFamily.objects.filter(pk=row.subject).first() if row.subject.isdecimal() else None
    if family is None:
        return "Its failures are no longer kept."
    return _success_since(row, family.automation_id, family.customer_id)


def _streak_over(row: Alert, _now: datetime) -> str:
    automation_id, _, customer_id = row.subject.partition(":")
    return _success_since(row, int(automation_id), int(customer_id))


def _success_since(row: Alert, automation_id: int, customer_id: int) -> str:
    health = AutomationHealth.objects.filter(automation_id=automation_id, customer_id=customer_id)
    success = health.filter(last_success__finished_at__gt=row.last_seen_at).first()
    return "It succeeds again." if success is not None else ""


def _person_over(row: Alert, _now: datetime) -> str:
    automation_id, _, customer_id = row.subject.partition(":")
    waiting = Run.objects.filter(
        automation_id=int(automation_id), customer_id=int(customer_id), state=RunState.WAITING_INPUT
    )
    return "" if waiting.exists() else "No run waits for a person any more."


def _queue_over(row: Alert, now: datetime) -> str:
    return "" if _stuck(now).filter(queue=row.subject).exists() else "Its runs are taken up again."


def _dispatcher_over(_row: Alert, now: datetime) -> str:
    ticks = any(state == TICKING for _, state in read_dispatchers(now))
    return "A dispatcher works again." if ticks else ""


def _firing_over(row: Alert, now: datetime) -> str:
    """The schedule fired since, in time; or it is not to fire any more."""
    gone = _schedule_gone(row)
    if gone:
        return gone
    later = Occurrence.objects.fired().filter(schedule_id=_schedule_id(row), handled_at__gt=row.last_seen_at)
    in_time = later.filter(backfill=False, handled_at__lte=F("fire_at") + settings.ALERT_LATE + _offset(row))
    overdue = Schedule.objects.filter(pk=_schedule_id(row), next_fire_at__lt=now - settings.ALERT_LATE)
    return "It fires in time again." if in_time.exists() and not overdue.exists() else ""


def _refusal_over(row: Alert, _now: datetime) -> str:
    gone = _schedule_gone(row)
    later = Occurrence.objects.fired().filter(schedule_id=_schedule_id(row), handled_at__gt=row.last_seen_at)
    return gone or ("It fires again." if later.exists() else "")


def _pause_over(row: Alert, _now: datetime) -> str:
    paused = Schedule.objects.present().filter(pk=_schedule_id(row), paused_at__isnull=False)
    return "" if paused.exists() else "It was resumed."


def _schedule_gone(row: Alert) -> str:
    schedule = Schedule.objects.present().filter(pk=_schedule_id(row), paused_at__isnull=True)
    return "" if schedule.exists() else "The schedule is paused or was deleted."


def _offset(row: Alert) -> timedelta:
    return Schedule.objects.get(pk=_schedule_id(row)).offset


def _schedule_id(row: Alert) -> int:
    return int(row.subject.partition(":")[0])


def _quarantine_over(row: Alert, now: datetime) -> str:
    return "No further file was quarantined for a week." if now - row.last_seen_at > _QUIET else ""


_ENDINGS: dict[str, Callable[[Alert, datetime], str]] = {
    alerts.FAILURE: _failure_over,
    alerts.STREAK: _streak_over,
    alerts.PERSON: _person_over,
    alerts.QUEUE: _queue_over,
    alerts.DISPATCHER: _dispatcher_over,
    alerts.SCHEDULE_LATE: _firing_over,
    alerts.SCHEDULE_REFUSED: _refusal_over,
    alerts.SCHEDULE_BROKEN: _refusal_over,
    alerts.SCHEDULE_PAUSED: _pause_over,
    alerts.QUARANTINE: _quarantine_over,
}
"""Why an alert of each rule is over, in words; "" while it is not. Open breakers are closed by the breaker itself."""
