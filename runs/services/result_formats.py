"""A result as rows, JSON Lines or CSV: pure functions of the result's JSON."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def rows_of(result: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of a result: the entries of its one list-valued field, or the object itself as the only row.

    Entries that are no objects become rows with one column, named like the field.
    """
    lists = [(name, value) for name, value in result.items() if isinstance(value, list)]
    if len(lists) != 1:
        return [result]
    name, entries = lists[0]
    return [entry if isinstance(entry, dict) else {name: entry} for entry in entries]


def to_json_lines(result: dict[str, Any]) -> str:
    """One JSON object a line, for each row."""
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows_of(result))


def to_csv(result: dict[str, Any]) -> str:
    """The rows as CSV of RFC 4180 with a heading; columns in alphabetical order.

    PostgreSQL does not keep the order of an object's keys, so no other order would be the same everywhere. Objects and lists in a cell are JSON, None is empty. A text that a spreadsheet would take for a formula gets a
    leading apostrophe (OWASP, CSV injection); numbers stay numbers, negative ones too.
    """
    rows = rows_of(result)
    columns = sorted({name for row in rows for name in row})
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([_safe(column) for column in columns])
    writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return _safe(value)
    return json.dumps(value, ensure_ascii=False)


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
