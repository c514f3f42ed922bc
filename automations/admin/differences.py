"""What changed between two versions, as people read it: line by line, with what stayed around it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from difflib import unified_diff
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from automations.models import AutomationVersion

CONTEXT_LINES = 4
MOST_LINES = 2000
_TONES = {"+": "added", "-": "removed", "@": "place"}


@dataclass(frozen=True, slots=True)
class Difference:
    """One part that differs: lines with what became of each ("added", "removed", "place" or "")."""

    title: str
    lines: list[tuple[str, str]]


def differences(old: AutomationVersion, new: AutomationVersion) -> list[Difference]:
    """What the new version changed, part by part; parts that are equal are left out."""
    parts = (
        ("Source", old.source, new.source),
        ("Stages", _text(old.stages), _text(new.stages)),
        ("Params", _text(old.params_schema), _text(new.params_schema)),
        ("Result", _text(old.result_schema), _text(new.result_schema)),
        ("Options", _text(old.options), _text(new.options)),
        ("Included documents", _joined(old.included), _joined(new.included)),
    )
    return [Difference(title, _lines(before, after)) for title, before, after in parts if before != after]


def _lines(before: str, after: str) -> list[tuple[str, str]]:
    found = unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=CONTEXT_LINES)
    shown = [line for line in found if not line.startswith(("+++", "---"))][:MOST_LINES]
    return [(_TONES.get(line[:1], ""), line) for line in shown]


def _text(value: Mapping[str, Any] | Iterable[Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)


def _joined(included: Mapping[str, str]) -> str:
    return "\n".join(f"# {name}\n{text}" for name, text in sorted(included.items()))
