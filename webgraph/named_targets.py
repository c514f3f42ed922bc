"""The targets an automation names, found without running it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from webgraph.documents.parts import TargetData, TargetName
from webgraph.documents.running import Steps, Variables
from webgraph.documents.steps import Goto
from webgraph.documents.variables import template
from webgraph.flow import Automation
from webgraph.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from webgraph.documents.reading import Flow


@dataclass(frozen=True, slots=True)
class NamedTarget:
    """A target and what its author calls it; `lacks` names the variables in it that have no value yet."""

    name: str
    target: Target | None
    lacks: tuple[str, ...] = ()


def targets_in_code(automation: type[Automation]) -> list[NamedTarget]:
    """Every Target that is a constant of the class or of its module; one made while it runs is not found."""
    module = sys.modules[automation.__module__]
    owners = [
        owner for owner in automation.__mro__ if issubclass(owner, Automation) and owner is not Automation
    ]
    members = [vars(module), *(vars(owner) for owner in reversed(owners))]
    found = {name: item for items in members for name, item in items.items() if isinstance(item, Target)}
    return [NamedTarget(name, target) for name, target in found.items()]


def targets_in_flow(flow: Flow, automation: type[Automation], params: Mapping[str, Any]) -> list[NamedTarget]:
    """Every target the steps of a flow use, in their order, each once, with the params filled in."""
    given = _with_defaults(automation, params)
    found: dict[tuple[str, TargetData], NamedTarget] = {}
    for bound in flow.stages:
        for used in _targets(bound.stage):
            data = bound.targets[used.root] if isinstance(used, TargetName) else used
            name = used.root if isinstance(used, TargetName) else str(data)
            found.setdefault((name, data), _filled(name, data, automation, given))
    return list(found.values())


def first_address(flow: Flow, automation: type[Automation], params: Mapping[str, Any]) -> str | None:
    """Where the flow begins; None when that takes more than its params."""
    given = _with_defaults(automation, params)
    for bound in flow.stages:
        for step in bound.stage.steps:
            if isinstance(step, Goto):
                return None if _lacks([step.goto], given) else _variables(automation, given).text(step.goto)
    return None


def _with_defaults(automation: type[Automation], params: Mapping[str, Any]) -> dict[str, Any]:
    fields = automation.Params.model_fields
    defaults = {name: item.get_default() for name, item in fields.items() if not item.is_required()}
    return {**defaults, **params}


def _variables(automation: type[Automation], given: Mapping[str, Any]) -> Variables:
    return Variables(automation(automation.Params.model_construct(**given)), {})


def _filled(
    name: str, data: TargetData, automation: type[Automation], given: Mapping[str, Any]
) -> NamedTarget:
    lacks = _lacks(_texts(data.as_json()), given)
    if lacks:
        return NamedTarget(name, None, lacks)
    return NamedTarget(name, Steps.described(data, _variables(automation, given)))


def _lacks(texts: list[str], given: Mapping[str, Any]) -> tuple[str, ...]:
    needed = (path for text in texts for path in template(text).variables)
    missing = (".".join(path) for path in needed if path[0] != "params" or path[1] not in given)
    return tuple(dict.fromkeys(missing))


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict | list):
        items = value.values() if isinstance(value, dict) else value
        return [text for item in items for text in _texts(item)]
    return [value] if isinstance(value, str) else []


def _targets(part: Any) -> Iterator[TargetName | TargetData]:
    """The targets below a part of a document, in the order they are written."""
    if isinstance(part, TargetName | TargetData):
        yield part
    elif isinstance(part, BaseModel):
        for name in type(part).model_fields:
            yield from _targets(getattr(part, name))
    elif isinstance(part, list):
        for item in part:
            yield from _targets(item)
