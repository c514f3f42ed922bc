"""Where an automation in code writes a target, and how the line would read with another."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from webgraph.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from automations.models import AutomationVersion


@dataclass(frozen=True, slots=True)
class SourcePlace:
    """One place in a source: its file and line, what stands there, and what should."""

    file: str
    line: int
    before: str
    after: str


def places_of(
    version: AutomationVersion | None, *, old: Mapping[str, Any], new: Mapping[str, Any]
) -> list[SourcePlace]:
    """Every place where the version's module writes the old target as it is; none where it is put together."""
    if version is None:
        return []
    try:
        tree = ast.parse(version.source)
    except SyntaxError:  # kept by a release with another grammar
        return []
    file = version.module.partition(":")[0].replace(".", "/") + ".py"
    return [
        SourcePlace(
            file,
            call.lineno,
            ast.get_source_segment(version.source, call) or "",
            _written(call, version.source, new),
        )
        for call in _targets(tree)
        if _said(call) == _plain(old)
    ]


def _targets(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func
            name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
            if name == "Target":
                yield node


def _said(call: ast.Call) -> dict[str, Any] | None:
    """What a call says as a target; None for one that is put together while it runs."""
    try:
        given = {item.arg: ast.literal_eval(item.value) for item in call.keywords if item.arg}
        return _plain(Target(**given).as_json())
    except (ValueError, TypeError, ValidationError):
        return None


def _plain(target: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in target.items() if name != "called"}


def _written(call: ast.Call, source: str, new: Mapping[str, Any]) -> str:
    """The call as it would be written for the new target, with everything it says besides."""
    given = {item.arg: ast.get_source_segment(source, item.value) for item in call.keywords if item.arg}
    changed = {name: _literal(new[name]) for name in ("css", "frame") if name in new}
    words = {**{name: value for name, value in changed.items() if name not in given}, **given, **changed}
    return f"Target({', '.join(f'{name}={value}' for name, value in words.items())})"


def _literal(value: str | Sequence[str]) -> str:
    """A text or several as Python source; one alone needs no tuple around it."""
    if isinstance(value, str):
        return repr(value) if '"' in value or "\\" in value else f'"{value}"'
    return _literal(value[0]) if len(value) == 1 else f"({', '.join(map(_literal, value))})"
