"""Schedules: create, change, pause, resume, delete. The dispatcher fires them (runs.services.scheduling)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction

from automations import fire_times
from automations.errors import FieldProblem, ParamsInvalidError, ScheduleInvalidError
from automations.fire_times import TimeRule
from automations.models import Schedule
from automations.services.files import missing_files
from automations.services.params import refuse_secrets
from automations.services.schedule_checks import problems_of_choices, problems_of_params, problems_of_rule
from automations.services.schedule_input import ScheduleInput, input_of
from automations.services.unwritten import MISSED, SKIPPED, with_leftover
from infra_shared.database import database_now
from infra_shared.services import audit

if TYPE_CHECKING:
    from datetime import datetime

    from automations.models import AutomationVersion

_CHANGED = "the time rule was changed before it could fire"
_DELETED = "the schedule was deleted before it could fire"
_AT_ONCE = timedelta(microseconds=1)


def check_schedule(
    wanted: ScheduleInput, *, now: datetime, present: Schedule | None = None
) -> tuple[TimeRule, dict[str, Any]]:
    """The time rule and the params to keep; ScheduleInvalidError lists everything that does not fit.

    `present` is the schedule that is changed: what it says already may stay, such as a single time that has passed.
    """
    rule = rule_of(wanted, now=now, present=present)
    problems = problems_of_rule(rule, now=now, kept=present is not None and rule == present.rule)
    problems += problems_of_choices(wanted)
    version = wanted.pinned_version or wanted.automation.latest_version
    params, wrong = problems_of_params(wanted.params, version, rule, now)
    problems += wrong
    if version is not None:
        problems += missing_files(
            schema=version.params_schema, params=params, customer=wanted.customer, prefix="params."
        )
    if problems:
        raise ScheduleInvalidError(problems)
    return rule, params


def rule_of(wanted: ScheduleInput, *, now: datetime, present: Schedule | None = None) -> TimeRule:
    """The time rule that an input means: only what belongs to its kind."""
    begin = wanted.anchor_at or (present.anchor_at if present is not None else None) or now
    is_cron, is_interval = wanted.kind == fire_times.CRON, wanted.kind == fire_times.INTERVAL
    return TimeRule(
        kind=wanted.kind,
        cron=" ".join(wanted.cron.split()) if is_cron else "",
        every_seconds=wanted.every_seconds if is_interval else None,
        anchor_at=begin if is_interval else None,
        once_at=wanted.once_at if wanted.kind == fire_times.ONCE else None,
        time_zone=wanted.time_zone,
        gap=wanted.gap,
        repeated=wanted.repeated,
    )


@transaction.atomic
def create_schedule(*, wanted: ScheduleInput, actor: str) -> Schedule:
    """A new schedule, planned from now on."""
    now = database_now()
    rule, params = check_schedule(wanted, now=now)
    schedule = Schedule(**_columns(wanted, rule, params), planned_until=now, replanned_at=now)
    schedule.save(force_insert=True)
    plan(schedule)  # after it has its key, from which its offset comes
    schedule.save()
    _audit("schedule.create", schedule, actor)
    return schedule


@transaction.atomic
def change_schedule(*, schedule: Schedule, wanted: ScheduleInput, actor: str) -> Schedule:
    """Change a schedule. A changed time rule is planned from now on, so nothing of the past fires."""
    now = database_now()
    locked = _locked(schedule)
    rule, params = check_schedule(wanted, now=now, present=locked)
    before = input_of(locked)
    if rule != locked.rule:
        _replan(locked, now, MISSED, _CHANGED)
    for name, value in _columns(wanted, rule, params).items():
        setattr(locked, name, value)
    plan(locked)
    locked.save()
    _audit("schedule.change", locked, actor, changed=_changed(before, input_of(locked)))
    return locked


@transaction.atomic
def pause_schedule(*, schedule: Schedule, reason: str, actor: str) -> bool:
    """Stop a schedule from firing until it is resumed; False when it was paused already.

    What it plans meanwhile is written as skipped, with the reason.
    """
    rows = Schedule.objects.present().filter(pk=schedule.pk, paused_at__isnull=True)
    if not rows.update(paused_at=database_now(), pause_reason=reason[:500]):
        return False
    _audit("schedule.pause", schedule, actor, reason)
    return True


@transaction.atomic
def resume_schedule(*, schedule: Schedule, actor: str) -> bool:
    """Let a paused schedule fire again, from now on; False when it was not paused.

    ScheduleInvalidError when its automation needs secret params by now, which no schedule can give.
    """
    locked = _locked(schedule)
    if locked.paused_at is None or locked.deleted_at is not None:
        return False
    version = locked.pinned_version or locked.automation.latest_version
    if version is not None:
        _refuse_secrets(version, locked.params)
    _replan(locked, database_now(), SKIPPED, paused_in_words(locked.pause_reason))
    locked.paused_at, locked.pause_reason = None, ""
    plan(locked)
    locked.save()
    _audit("schedule.resume", locked, actor)
    return True


@transaction.atomic
def delete_schedule(*, schedule: Schedule, actor: str, reason: str = "") -> bool:
    """Delete a schedule; False when it was deleted already.

    It fires nothing any more and is listed nowhere. Its row stays, because its occurrences and what they say of its
    runs belong to it.
    """
    locked = _locked(schedule)
    if locked.deleted_at is not None:
        return False
    now = database_now()
    _replan(locked, now, MISSED, _DELETED)
    locked.deleted_at, locked.deleted_by = now, actor
    plan(locked)
    locked.save()
    _audit("schedule.delete", locked, actor, reason)
    return True


def paused_in_words(reason: str) -> str:
    """Why a time planned during a pause did not fire."""
    return f"paused: {reason}" if reason else "paused"


def _refuse_secrets(version: AutomationVersion, params: dict[str, Any]) -> None:
    try:
        refuse_secrets(version=version, params=params)
    except ParamsInvalidError as error:
        problems = [FieldProblem(f"params.{item.field}", item.message) for item in error.problems]
        raise ScheduleInvalidError(problems) from error


def _locked(schedule: Schedule) -> Schedule:
    rows = Schedule.objects.select_for_update(of=("self",))
    return rows.select_related("automation__latest_version", "customer", "pinned_version").get(pk=schedule.pk)


def _replan(schedule: Schedule, now: datetime, state: str, reason: str) -> None:
    """End the present plan: what it left unhandled is noted, what comes is planned from now on."""
    schedule.unwritten = with_leftover(schedule, until=now, state=state, reason=reason)
    schedule.planned_until = schedule.replanned_at = now


def plan(schedule: Schedule) -> None:
    """Set when the dispatcher has to look at the schedule next; the caller saves it."""
    if schedule.unwritten:
        schedule.next_fire_at = schedule.planned_until + _AT_ONCE
    elif schedule.deleted_at is not None:
        schedule.next_fire_at = None
    else:
        following = fire_times.next_after(schedule.rule, schedule.planned_until)
        schedule.next_fire_at = following + schedule.offset if following is not None else None


def _columns(wanted: ScheduleInput, rule: TimeRule, params: dict[str, Any]) -> dict[str, Any]:
    said = {name: getattr(wanted, name) for name in ScheduleInput.__dataclass_fields__}
    of_rule = {name: getattr(rule, name) for name in TimeRule.__dataclass_fields__}
    return said | of_rule | {"name": wanted.name.strip(), "params": params}


def _changed(before: ScheduleInput, after: ScheduleInput) -> list[str]:
    """What differs. The values stay out of the log: params may be private."""
    return [
        name for name in ScheduleInput.__dataclass_fields__ if getattr(before, name) != getattr(after, name)
    ]


def _audit(action: str, schedule: Schedule, actor: str, reason: str = "", **details: Any) -> None:
    audit.record(
        actor=actor,
        action=action,
        object_kind="schedule",
        object_id=str(schedule.pk),
        customer=schedule.customer.key,
        reason=reason,
        details=details,
    )
