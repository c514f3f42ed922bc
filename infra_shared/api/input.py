"""What a request may hold, so that nothing reaches the database that it cannot keep."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import AfterValidator, Field

MAX_DEPTH = 32


def storable_text(value: str) -> str:
    """The text itself; ValueError for characters that PostgreSQL refuses."""
    if "\0" in value:
        raise ValueError("It must not contain the character U+0000.")
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("It must not contain half of a surrogate pair.")
    return value


def storable_json(value: Any) -> Any:
    """The JSON value itself; ValueError for what the database cannot keep as JSON, or that is nested too deep."""
    _check(value, depth=0)
    return value


def _check(value: Any, *, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ValueError(f"It must not be nested deeper than {MAX_DEPTH} levels.")
    if isinstance(value, str):
        storable_text(value)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError("NaN and Infinity are not JSON.")
    elif isinstance(value, dict):
        for key, item in value.items():
            storable_text(key)
            _check(item, depth=depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth=depth + 1)


Text = Annotated[str, AfterValidator(storable_text)]
JsonObject = Annotated[dict[str, Any], AfterValidator(storable_json)]
RowId = Annotated[int, Field(ge=1, le=2**63 - 1)]
"""The integer key of a row, within what both databases compare."""
