"""The params of a schedule: checked when it is saved, with the planned time filled in when it fires."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automations import fire_times
from automations.errors import FieldProblem, ParamsInvalidError
from automations.fire_times import TemplateError
from automations.services.params import check_params, refuse_secrets

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from automations.models import AutomationVersion, Schedule


def check_schedule_params(
    *, version: AutomationVersion, params: dict[str, Any], sample: datetime, own: ZoneInfo
) -> dict[str, Any]:
    """The params to keep: defaults filled in, texts that speak of `fire_at` as they are.

    They are checked as they would be at `sample`; ParamsInvalidError lists what does not fit, and secret params, which a
    schedule cannot give.
    """
    refuse_secrets(version=version, params=params)
    checked = check_params(version=version, params=filled_in(version, params, sample, own))
    return checked | {name: value for name, value in params.items() if fire_times.uses_fire_at(value)}


def params_at(schedule: Schedule, version: AutomationVersion, fire_at: datetime) -> dict[str, Any]:
    """The params of the run that is planned for `fire_at`; ParamsInvalidError when a text cannot be understood."""
    return filled_in(version, schedule.params, fire_at, fire_times.zone(schedule.time_zone))


def filled_in(
    version: AutomationVersion, params: dict[str, Any], fire_at: datetime, own: ZoneInfo
) -> dict[str, Any]:
    """The params with the planned time filled in; a whole number where the schema asks for one."""
    properties = version.params_schema.get("properties", {})
    filled, problems = {}, []
    for name, value in params.items():
        try:
            found = fire_times.fill_in(value, fire_at, own)
        except TemplateError as error:
            problems.append(FieldProblem(name, str(error)))
            continue
        wants_number = properties.get(name, {}).get("type") == "integer"
        changed = found != value and isinstance(found, str)
        filled[name] = int(found) if changed and wants_number and found.isdecimal() else found
    if problems:
        raise ParamsInvalidError(problems)
    return filled
