"""What changed between two versions, as people read it: line by line, with what stayed around it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from difflib import unified_diff
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from automations.models import AutomationVersion

CONTEXT_LINES = 4
MOST_LINES = 2000
_SIGNS = {" ": ("", ""), "+": ("added", "+"), "-": ("removed", "\N{MINUS SIGN}")}
_PLACE = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)")


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line: its tone ("added", "removed" or "") and sign, its number before and after; a gap has no text at all."""

    tone: str = ""
    sign: str = ""
    before: int | None = None
    after: int | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One part that differs, line by line."""

    title: str
    lines: list[DiffLine]

    @property
    def added(self) -> int:
        """How many lines are new."""
        return sum(line.tone == "added" for line in self.lines)

    @property
    def removed(self) -> int:
        """How many lines are gone."""
        return sum(line.tone == "removed" for line in self.lines)


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
    return _those_that_differ(parts)


def differences_of_texts(
    old: AutomationVersion, *, text: str, included: Mapping[str, str]
) -> list[Difference]:
    """What a flow's new text, and the texts it includes now, would change in a version."""
    parts = (
        ("Changes", old.source, text),
        ("Changes in what it includes", _joined(old.included), _joined(included)),
    )
    return _those_that_differ(parts)


def difference(title: str, *, before: str, after: str) -> Difference:
    """What differs between two texts."""
    return Difference(title, list(_lines(before, after)))


def _those_that_differ(parts: Iterable[tuple[str, str, str]]) -> list[Difference]:
    return [
        difference(title, before=before, after=after) for title, before, after in parts if before != after
    ]


def _lines(before: str, after: str) -> Iterator[DiffLine]:
    found = unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=CONTEXT_LINES)
    left = right = 0
    # The first two lines name the files.
    for number, line in enumerate(islice(found, 2, MOST_LINES)):
        place = _PLACE.match(line)
        if place:
            left, right = int(place[1]), int(place[2])
            if number:
                yield DiffLine()
            continue
        tone, sign = _SIGNS[line[0]]
        yield DiffLine(
            tone,
            sign,
            before=left if tone != "added" else None,
            after=right if tone != "removed" else None,
            text=line[1:],
        )
        left, right = left + (tone != "added"), right + (tone != "removed")


def _text(value: Mapping[str, Any] | Iterable[Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)


def _joined(included: Mapping[str, str]) -> str:
    return "\n".join(f"# {name}\n{text}" for name, text in sorted(included.items()))
