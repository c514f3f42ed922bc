"""Params of a run against the schema of the version that will run them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pydantic
from jsonschema import Draft202012Validator

from automations.errors import FieldProblem, ParamsInvalidError
from automations.services.registry import code_for

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

    from automations.models import AutomationVersion


def check_params(*, version: AutomationVersion, params: dict[str, Any]) -> dict[str, Any]:
    """The params with their defaults filled in, as JSON; ParamsInvalidError lists what does not fit.

    Where this process has the version's code, its own pydantic model decides; else the stored JSON Schema does.
    """
    code = code_for(version)
    if code is None:
        return _by_schema(version.params_schema, params)
    unknown = sorted(set(params) - set(code.Params.model_fields))
    problems = [FieldProblem(name, "There is no such param.") for name in unknown]
    try:
        model = code.Params.model_validate(params)
    except pydantic.ValidationError as error:
        problems += [
            # pydantic puts this before what a validator of the automation's own says
            FieldProblem(".".join(map(str, item["loc"])), item["msg"].removeprefix("Value error, "))
            for item in error.errors()
        ]
        raise ParamsInvalidError(problems) from error
    if problems:
        raise ParamsInvalidError(problems)
    return model.model_dump(mode="json")


def _by_schema(schema: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    properties = schema.get("properties", {})
    problems = [
        FieldProblem(name, "There is no such param.") for name in sorted(set(params) - set(properties))
    ]
    problems += [_problem(error) for error in Draft202012Validator(schema).iter_errors(params)]
    if problems:
        raise ParamsInvalidError(problems)
    defaults = {name: spec["default"] for name, spec in properties.items() if "default" in spec}
    return {**defaults, **params}


def _problem(error: ValidationError) -> FieldProblem:
    path = [str(part) for part in error.absolute_path]
    if error.validator == "required":
        wanted, given = cast("list[str]", error.validator_value), cast("dict[str, Any]", error.instance)
        missing = next((name for name in wanted if name not in given), "")
        return FieldProblem(".".join([*path, missing]), "Field required")
    return FieldProblem(".".join(path), error.message)
