"""Schedules of the demo: one of each kind, each with other choices."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from automations.models import Misfire, Overlap, Schedule
from automations.services.schedule_input import ScheduleInput
from automations.services.schedules import create_schedule, pause_schedule
from infra_shared.nouns import ACTOR

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from automations.models import Automation, Customer

_SITE = "http://127.0.0.1:8001"
_PAUSED = "Weekly look at the shop"


def make_schedules(
    *, automations: Mapping[str, Automation], customers: Mapping[str, Customer], now: datetime
) -> int:
    """Make those that are missing, and pause one of them; how many were made."""
    made = 0
    for wanted in _wanted(automations, customers, now):
        if Schedule.objects.filter(name=wanted.name).exists():
            continue
        schedule = create_schedule(wanted=wanted, actor=ACTOR)
        made += 1
        if wanted.name == _PAUSED:
            pause_schedule(schedule=schedule, reason="The shop moves to another address.", actor=ACTOR)
    return made


def _wanted(
    automations: Mapping[str, Automation], customers: Mapping[str, Customer], now: datetime
) -> list[ScheduleInput]:
    invoices: dict[str, Any] = {
        "automation": automations["practice-invoices"],
        "params": {"base_url": _SITE},
    }
    snapshot = automations["page-snapshot"]
    return [
        ScheduleInput(
            name="Invoices of the night",
            customer=customers["northwind"],
            kind="cron",
            cron="30 2 * * *",
            time_zone="Europe/Berlin",
            spread_seconds=900,
            overlap=Overlap.QUEUE,
            pause_after_failures=5,
            **invoices,
        ),
        ScheduleInput(
            name="The shop's page of each day",
            automation=snapshot,
            customer=customers["acme"],
            kind="interval",
            every_seconds=6 * 3600,
            anchor_at=now.replace(hour=6, minute=30, second=0, microsecond=0),
            time_zone="America/New_York",
            misfire=Misfire.ALL,
            misfire_limit=4,
            params={"url": _SITE + "/?day={{ fire_at - 1 day:%Y-%m-%d }}"},
        ),
        ScheduleInput(
            name="After the holidays",
            automation=snapshot,
            customer=customers["acme"],
            kind="once",
            once_at=(now + timedelta(days=30)).replace(minute=0, second=0, microsecond=0),
            params={"url": _SITE + "/"},
        ),
        ScheduleInput(
            name=_PAUSED,
            automation=snapshot,
            customer=customers["main"],
            kind="cron",
            cron="0 7 * * MON",
            time_zone="Europe/London",
            overlap=Overlap.CANCEL_RUNNING,
            misfire=Misfire.SKIP,
            params={"url": _SITE + "/"},
        ),
    ]
