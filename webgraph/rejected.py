"""The rows of a result that did not fit its schema, each with what is wrong with it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import ValidationError

    from infra_shared.redaction import Redactor

MOST_ROWS = 1000
_NOWHERE = object()


def rejected_rows(error: ValidationError, given: Any = _NOWHERE) -> list[dict[str, Any]]:
    """One entry for each row, or each single value, that did not fit: `where`, `problems` and the `value` itself.

    A row is an entry of a list. `given` is all that was to be validated; without it the values come from the error,
    which knows only the part that is wrong.
    """
    found: dict[str, dict[str, Any]] = {}
    for entry in error.errors(include_url=False, include_context=False):
        path = entry["loc"]
        length = next((number for number, part in enumerate(path, start=1) if isinstance(part, int)), 1)
        row = path[:length]
        where = _written(row)
        if where not in found:
            value = entry["input"] if given is _NOWHERE else _at(given, row, entry["input"])
            found[where] = {"where": where, "problems": [], "value": value}
        field = ".".join(str(part) for part in path[length:])
        found[where]["problems"].append(f"{field}: {entry['msg']}" if field else entry["msg"])
    return list(found.values())


def as_json_lines(rows: Sequence[dict[str, Any]], redactor: Redactor) -> bytes:
    """The rows without secrets, a JSON object a line; behind the thousandth a line says how many were left out."""
    lines = [redactor.json(json.loads(json.dumps(row, default=str))) for row in rows[:MOST_ROWS]]
    if len(rows) > MOST_ROWS:
        lines.append({"left_out": len(rows) - MOST_ROWS})
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()


def _written(path: Sequence[str | int]) -> str:
    """A path as people write it: `invoices[3]`."""
    words = ""
    for part in path:
        words += f"[{part}]" if isinstance(part, int) else f".{part}" if words else str(part)
    return words or "all"


def _at(given: Any, path: Sequence[str | int], otherwise: Any) -> Any:
    """What stands at a path; `otherwise` where nothing does, such as for a field that is missing."""
    value = given
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return otherwise
    return value
