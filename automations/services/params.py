"""Params of a run against the schema of the version that will run them; the secret ones are kept apart from the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pydantic
from jsonschema import Draft202012Validator

from automations.errors import FieldProblem, ParamsInvalidError
from automations.services.registry import code_for
from infra_shared.invalid_words import in_words
from infra_shared.redaction import MASK
from webgraph.secret_values import hiding, secret_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jsonschema.exceptions import ValidationError

    from automations.models import AutomationVersion
    from webgraph.flow import Automation

NOT_KEPT = "It is a secret, which is not kept: give it again."
_NOT_FIT = "It does not fit."
_UNATTENDED = (
    "It is a secret, which is typed in anew for each run, so no schedule and no trigger can give it. Let the automation "
    "take it from a credential."
)


@dataclass(frozen=True, slots=True)
class CheckedParams:
    """Params as they may be shown, ••• in the place of each secret one, and the secrets by their names."""

    shown: dict[str, Any]
    secrets: dict[str, Any] = field(repr=False)

    @property
    def whole(self) -> dict[str, Any]:
        """All params as the automation takes them."""
        return self.shown | self.secrets


def secret_params_of(version: AutomationVersion) -> frozenset[str]:
    """The names of the version's params that are secret."""
    return secret_names(version.params_schema)


def check_params(*, version: AutomationVersion, params: dict[str, Any]) -> dict[str, Any]:
    """The params with their defaults filled in, as they may be shown; ParamsInvalidError lists what does not fit."""
    return checked_params(version=version, params=params).shown


def checked_params(*, version: AutomationVersion, params: dict[str, Any]) -> CheckedParams:
    """The params with their defaults filled in, as JSON; ParamsInvalidError lists what does not fit, secrets hidden.

    Where this process has the version's code, its own pydantic model decides; else the stored JSON Schema does.
    """
    names = secret_params_of(version)
    given = {name: params[name] for name in names if params.get(name) is not None}
    problems = [FieldProblem(name, NOT_KEPT) for name in sorted(given) if given[name] == MASK]
    if problems:
        raise ParamsInvalidError(problems)
    try:
        shown = _checked(version, params)
    except ParamsInvalidError as error:
        # Without its cause, which holds the params as they were given.
        raise ParamsInvalidError(_without_secrets(error.problems, version, params)) from None
    return CheckedParams(shown | dict.fromkeys(given, MASK), given)


def refuse_secrets(*, version: AutomationVersion, params: Mapping[str, Any]) -> None:
    """Return when a run with these params needs no secret that a person would type.

    ParamsInvalidError names each secret param that is given or cannot be left out: what starts by itself has none.
    """
    left_out = set(version.params_schema.get("required", ())) - params.keys()
    given = {name for name, value in params.items() if value is not None}
    names = sorted(secret_params_of(version) & (left_out | given))
    if names:
        raise ParamsInvalidError([FieldProblem(name, _UNATTENDED) for name in names])


def _without_secrets(
    problems: list[FieldProblem], version: AutomationVersion, params: Mapping[str, Any]
) -> list[FieldProblem]:
    """What does not fit, in words that repeat no secret: a complaint about a value may hold it."""
    names, hidden = secret_params_of(version), hiding(version.params_schema, params)
    return [
        FieldProblem(
            problem.field,
            _NOT_FIT
            if problem.field.partition(".")[0] in names and params.get(problem.field) is not None
            else hidden.text(problem.message),
        )
        for problem in problems
    ]


def _checked(version: AutomationVersion, params: dict[str, Any]) -> dict[str, Any]:
    code = code_for(version)
    if code is None:
        return _by_schema(version.params_schema, params)
    unknown = sorted(set(params) - set(code.Params.model_fields))
    problems = [FieldProblem(name, "There is no such param.") for name in unknown]
    try:
        model = _validated(code, version, params)
    except pydantic.ValidationError as error:
        problems += [FieldProblem(".".join(map(str, item["loc"])), in_words(item)) for item in error.errors()]
        raise ParamsInvalidError(problems) from error
    if problems:
        raise ParamsInvalidError(problems)
    return model.model_dump(mode="json")


def _validated(
    code: type[Automation], version: AutomationVersion, params: dict[str, Any]
) -> pydantic.BaseModel:
    """The params in their types. A validator of the automation's own may raise anything, and say a secret in it."""
    hidden = hiding(version.params_schema, params)
    try:
        return code.Params.model_validate(params)
    except pydantic.ValidationError:
        raise
    except Exception as error:
        if not hidden:
            raise
        reason = hidden.text(f"{type(error).__name__}: {error}")
        message = f"The automation cannot check its params: {reason}"
        raise ParamsInvalidError([FieldProblem("", message)]) from None


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
