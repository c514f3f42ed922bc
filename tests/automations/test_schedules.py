"""Schedules are checked whole before they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from automations.errors import ScheduleInvalidError
from automations.models import Automation, Customer, Schedule
from automations.services import schedules
from automations.services.schedule_input import ScheduleInput
from infra_shared.database import database_now
from infra_shared.models import AuditLine

if TYPE_CHECKING:
    from automations.models import AutomationVersion


def _wanted(**changes: Any) -> ScheduleInput:
    facts: dict[str, Any] = {
        "name": "Mornings",
        "automation": Automation.objects.get(key="sample"),
        "customer": Customer.objects.get(key="main"),
        "kind": "cron",
        "cron": " 30  6 * * 1-5 ",
        "time_zone": "Europe/Berlin",
        "params": {"city": "Riga"},
    }
    return ScheduleInput(**(facts | changes))


def test_a_new_schedule_is_planned_from_now(version: AutomationVersion) -> None:
    schedule = schedules.create_schedule(wanted=_wanted(), actor="operator:anna")

    assert schedule.cron == "30 6 * * 1-5"
    assert schedule.params == {"city": "Riga", "count": 1}
    assert schedule.next_fire_at is not None
    assert schedule.next_fire_at > schedule.planned_until
    assert AuditLine.objects.filter(action="schedule.create", actor="operator:anna").count() == 1


def test_everything_wrong_with_a_schedule_is_said_at_once(version: AutomationVersion) -> None:
    wanted = _wanted(name=" ", cron="61 * * * *", params={"count": 0})

    with pytest.raises(ScheduleInvalidError) as caught:
        schedules.create_schedule(wanted=wanted, actor="operator:anna")

    fields = {problem.field for problem in caught.value.problems}
    assert fields == {"name", "cron", "params.city", "params.count"}
    assert not Schedule.objects.exists()


def test_changing_only_the_name_keeps_the_watermark(version: AutomationVersion) -> None:
    schedule = schedules.create_schedule(wanted=_wanted(), actor="operator:anna")

    changed = schedules.change_schedule(
        schedule=schedule, wanted=_wanted(name="Early"), actor="operator:anna"
    )

    assert changed.name == "Early"
    assert changed.planned_until == schedule.planned_until


def test_an_interval_keeps_its_anchor_when_it_is_changed(version: AutomationVersion) -> None:
    interval = {"kind": "interval", "cron": "", "every_seconds": 600}
    schedule = schedules.create_schedule(wanted=_wanted(**interval), actor="operator:anna")

    changed = schedules.change_schedule(
        schedule=schedule, wanted=_wanted(**interval | {"every_seconds": 300}), actor="operator:anna"
    )

    assert changed.anchor_at == schedule.anchor_at
    assert changed.planned_until > schedule.planned_until


def test_a_paused_schedule_goes_on_planning_and_is_planned_from_now_when_resumed(
    version: AutomationVersion,
) -> None:
    schedule = schedules.create_schedule(wanted=_wanted(), actor="operator:anna")

    assert schedules.pause_schedule(schedule=schedule, reason="holidays", actor="operator:anna")
    assert not schedules.pause_schedule(schedule=schedule, reason="again", actor="operator:anna")
    schedules.change_schedule(schedule=schedule, wanted=_wanted(cron="0 7 * * *"), actor="operator:anna")
    schedule.refresh_from_db()
    assert (schedule.next_fire_at is not None, schedule.pause_reason) == (True, "holidays")

    assert schedules.resume_schedule(schedule=schedule, actor="operator:anna")
    schedule.refresh_from_db()
    assert schedule.next_fire_at is not None
    assert schedule.planned_until <= database_now()
