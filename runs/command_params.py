"""Params as words on a command line, `name=value`, turned into the types their schema asks for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from infra_shared.nouns import pairs

if TYPE_CHECKING:
    from collections.abc import Iterable


def typed_params(schema: dict[str, Any], words: Iterable[str]) -> dict[str, Any]:
    """The params; a value is read as JSON unless its schema wants text. ValueError names a word that is no pair."""
    properties = schema.get("properties", {})
    return {name: _typed(properties.get(name, {}), value) for name, value in pairs(words).items()}


def _typed(schema: dict[str, Any], value: str) -> Any:
    if schema.get("type") == "string":
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value
