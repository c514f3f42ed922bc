"""Schedules whose runs fail again and again are paused, with an alert."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from automations.models import Schedule
from automations.services.schedules import pause_schedule
from infra_shared.services.alerts import Severity, alert
from runs.models import Occurrence
from runs.services.occurrences import schedule_url
from runs.states import FAILED_RUNS, TERMINAL_RUNS, RunState

if TYPE_CHECKING:
    from collections.abc import Iterable

_ACTOR = "system"
_LOOKED_FURTHER = 20
"""How many more times are looked at than must have failed: some were cancelled, or have not ended."""


def pause_failing_schedules() -> int:
    """Pause every schedule whose latest runs failed as often in a row as it allows; how many were paused."""
    watched = Schedule.objects.present().filter(pause_after_failures__gt=0, paused_at__isnull=True)
    return sum(pause_if_failing(schedule) for schedule in watched.select_related("customer", "automation"))


@transaction.atomic
def pause_if_failing(schedule: Schedule) -> bool:
    """Pause the schedule when its latest runs failed as often in a row as it allows; whether it was paused now."""
    allowed = schedule.pause_after_failures
    if not allowed or schedule.paused_at is not None or _streak(_latest_states(schedule)) < allowed:
        return False
    reason = f"paused by itself: its last {allowed} runs failed"
    if not pause_schedule(schedule=schedule, reason=reason, actor=_ACTOR):
        return False
    schedule.refresh_from_db(fields=["paused_at", "pause_reason"])
    alert(
        key=f"schedule-paused:{schedule.pk}:{schedule.replanned_at.isoformat()}",
        title=f"Schedule {schedule.name} paused itself",
        text=f"Its last {allowed} runs failed. Mend the cause, then resume the schedule.",
        severity=Severity.CRITICAL,
        link=schedule_url(schedule),
        customer=schedule.customer.key,
        automation=schedule.automation.key,
    )
    return True


def _latest_states(schedule: Schedule) -> list[str]:
    """How its runs ended since it was planned last, the latest first, by the index of the ledger."""
    fired = Occurrence.objects.fired().filter(schedule=schedule, handled_at__gt=schedule.replanned_at)
    latest = fired[: schedule.pause_after_failures + _LOOKED_FURTHER]
    return list(latest.values_list("run__state", flat=True))


def _streak(states: Iterable[str]) -> int:
    """How many failures stand at the beginning; what was cancelled or goes on counts neither way."""
    count = 0
    for state in states:
        if state in FAILED_RUNS:
            count += 1
        elif state in TERMINAL_RUNS and state != RunState.CANCELLED:
            break
    return count
