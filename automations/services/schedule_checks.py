"""What can be wrong with the input of a schedule; each check returns all it found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automations import fire_times
from automations.errors import FieldProblem, ParamsInvalidError
from automations.fire_times import LONGEST_SPREAD_SECONDS, TimeRule, TimeRuleError
from automations.models import HIGHEST_PRIORITY, LOWEST_PRIORITY, Misfire, Overlap
from automations.services.schedule_params import check_schedule_params

if TYPE_CHECKING:
    from datetime import datetime

    from automations.models import AutomationVersion
    from automations.services.schedule_input import ScheduleInput

LONGEST_GRACE_SECONDS = 7 * 86_400
MOST_MISFIRES = 100
MOST_FAILURES = 1000
LONGEST_NAME = 200
_LIMITS = {
    "spread_seconds": (0, LONGEST_SPREAD_SECONDS, "a day"),
    "misfire_grace_seconds": (0, LONGEST_GRACE_SECONDS, "a week"),
    "misfire_limit": (1, MOST_MISFIRES, ""),
    "pause_after_failures": (0, MOST_FAILURES, ""),
    "priority": (LOWEST_PRIORITY, HIGHEST_PRIORITY, ""),
}


def problems_of_rule(rule: TimeRule, *, now: datetime, kept: bool) -> list[FieldProblem]:
    """What is wrong with the time rule; one that is `kept` may lie in the past."""
    try:
        fire_times.check(rule)
    except TimeRuleError as error:
        return [FieldProblem(error.field, str(error))]
    if rule.once_at is not None and rule.once_at <= now and not kept:
        return [FieldProblem("once_at", "This moment has passed. Choose one to come.")]
    return []


def problems_of_choices(wanted: ScheduleInput) -> list[FieldProblem]:
    """What is wrong with the name, the policies and their numbers."""
    problems = []
    if not wanted.name.strip():
        problems.append(FieldProblem("name", "Give the schedule a name."))
    elif len(wanted.name) > LONGEST_NAME:
        problems.append(FieldProblem("name", f"A name has at most {LONGEST_NAME} characters."))
    for name, choices in (("misfire", Misfire), ("overlap", Overlap)):
        value = getattr(wanted, name)
        if value not in choices.values:
            problems.append(FieldProblem(name, f"{value!r} is not one of {', '.join(choices.values)}."))
    for name, (least, most, words) in _LIMITS.items():
        if not least <= getattr(wanted, name) <= most:
            said = f" ({words})" if words else ""
            problems.append(FieldProblem(name, f"It must be from {least} to {most:,}{said}."))
    return problems


def problems_of_params(
    params: dict[str, Any], version: AutomationVersion | None, rule: TimeRule, now: datetime
) -> tuple[dict[str, Any], list[FieldProblem]]:
    """The params to keep, and what is wrong with them."""
    if version is None:
        return params, [FieldProblem("automation", "This automation has no published version.")]
    try:
        own = fire_times.zone(rule.time_zone)
        sample = fire_times.next_after(rule, now) or now
    except TimeRuleError:
        own, sample = fire_times.zone("UTC"), now  # the rule's own problem is told beside the rule
    try:
        return check_schedule_params(version=version, params=params, sample=sample, own=own), []
    except ParamsInvalidError as error:
        return params, [FieldProblem(f"params.{item.field}", item.message) for item in error.problems]
