"""Schedules: create, change, pause, resume. The dispatcher fires them (runs.services.scheduling)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import transaction

from automations import fire_times
from automations.errors import FieldProblem, ParamsInvalidError, ScheduleInvalidError
from automations.fire_times import TimeRule, TimeRuleError
from automations.models import Automation, AutomationVersion, Customer, Schedule
from automations.services.params import check_params
from infra_shared.database import database_now
from infra_shared.services import audit

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleInput:
    """What a person says of a schedule. `anchor_at` None: an interval counts from now."""

    name: str
    automation: Automation
    customer: Customer
    kind: str
    cron: str = ""
    every_seconds: int | None = None
    anchor_at: datetime | None = None
    time_zone: str = "UTC"
    params: dict[str, Any] = field(default_factory=dict)
    pinned_version: AutomationVersion | None = None


def check_schedule(wanted: ScheduleInput, *, now: datetime) -> tuple[TimeRule, dict[str, Any]]:
    """The time rule and the params with defaults; ScheduleInvalidError lists everything that does not fit."""
    problems = [] if wanted.name.strip() else [FieldProblem("name", "Give the schedule a name.")]
    rule = TimeRule(
        kind=wanted.kind,
        cron=" ".join(wanted.cron.split()) if wanted.kind == fire_times.CRON else "",
        every_seconds=wanted.every_seconds if wanted.kind == fire_times.INTERVAL else None,
        anchor_at=(wanted.anchor_at or now) if wanted.kind == fire_times.INTERVAL else None,
        time_zone=wanted.time_zone,
    )
    try:
        fire_times.check(rule)
    except TimeRuleError as error:
        problems.append(FieldProblem(error.field, str(error)))
    params = wanted.params
    version = wanted.pinned_version or wanted.automation.latest_version
    if version is None:
        problems.append(FieldProblem("automation", "This automation has no published version."))
    else:
        try:
            params = check_params(version=version, params=wanted.params)
        except ParamsInvalidError as error:
            problems += [FieldProblem(f"params.{item.field}", item.message) for item in error.problems]
    if problems:
        raise ScheduleInvalidError(problems)
    return rule, params


@transaction.atomic
def create_schedule(*, wanted: ScheduleInput, actor: str) -> Schedule:
    """A new schedule, planned from now on."""
    now = database_now()
    rule, params = check_schedule(wanted, now=now)
    schedule = Schedule(**_columns(wanted, rule, params), **_planned_from(rule, now))
    schedule.save(force_insert=True)
    _audit("schedule.create", schedule, actor)
    return schedule


@transaction.atomic
def change_schedule(*, schedule: Schedule, wanted: ScheduleInput, actor: str) -> Schedule:
    """Change a schedule. A changed time rule is planned from now on, so nothing of the past fires."""
    now = database_now()
    locked = Schedule.objects.select_for_update().get(pk=schedule.pk)
    rule, params = check_schedule(wanted, now=now)
    if rule.kind == fire_times.INTERVAL and wanted.anchor_at is None and locked.kind == rule.kind:
        rule = TimeRule(
            kind=rule.kind,
            every_seconds=rule.every_seconds,
            anchor_at=locked.anchor_at,
            time_zone=rule.time_zone,
        )
    columns = _columns(wanted, rule, params)
    if rule != locked.rule:
        columns |= _planned_from(rule, now)
    if locked.paused_at is not None:
        columns["next_fire_at"] = None
    for name, value in columns.items():
        setattr(locked, name, value)
    locked.save()
    _audit("schedule.change", locked, actor)
    return locked


@transaction.atomic
def pause_schedule(*, schedule: Schedule, reason: str, actor: str) -> bool:
    """Stop a schedule from firing until it is resumed; False when it was paused already."""
    now = database_now()
    row = Schedule.objects.filter(pk=schedule.pk, paused_at__isnull=True)
    if not row.update(paused_at=now, pause_reason=reason, next_fire_at=None):
        return False
    _audit("schedule.pause", schedule, actor, reason)
    return True


@transaction.atomic
def resume_schedule(*, schedule: Schedule, actor: str) -> bool:
    """Let a paused schedule fire again, from now on; False when it was not paused."""
    locked = Schedule.objects.select_for_update().get(pk=schedule.pk)
    if locked.paused_at is None:
        return False
    planned = _planned_from(locked.rule, database_now())
    Schedule.objects.filter(pk=locked.pk).update(paused_at=None, pause_reason="", **planned)
    _audit("schedule.resume", locked, actor)
    return True


def _columns(wanted: ScheduleInput, rule: TimeRule, params: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": wanted.name.strip(),
        "automation": wanted.automation,
        "customer": wanted.customer,
        "pinned_version": wanted.pinned_version,
        "params": params,
        "kind": rule.kind,
        "cron": rule.cron,
        "every_seconds": rule.every_seconds,
        "anchor_at": rule.anchor_at,
        "time_zone": rule.time_zone,
    }


def _planned_from(rule: TimeRule, now: datetime) -> dict[str, Any]:
    return {"planned_until": now, "next_fire_at": fire_times.next_after(rule, now)}


def _audit(action: str, schedule: Schedule, actor: str, reason: str = "") -> None:
    audit.record(
        actor=actor,
        action=action,
        object_kind="schedule",
        object_id=str(schedule.pk),
        customer=schedule.customer.key,
        reason=reason,
    )
