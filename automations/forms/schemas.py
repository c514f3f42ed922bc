"""A version's schemas with their properties in the order in which they were written.

PostgreSQL does not keep the order of an object's keys, so the order comes from the code where this process has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automations.services.registry import code_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from automations.models import AutomationVersion


def params_schema_of(version: AutomationVersion) -> dict[str, Any]:
    """The JSON Schema of the version's params."""
    code = code_for(version)
    return code.Params.model_json_schema() if code is not None else dict(version.params_schema)


def in_written_order(names: Iterable[str], version: AutomationVersion) -> list[str]:
    """Names of the result's fields, or of its rows' fields, as its schema orders them; unknown ones last."""
    code = code_for(version)
    schema = code.Result.model_json_schema() if code is not None else version.result_schema
    parts = [schema, *schema.get("$defs", {}).values()]
    known = list(dict.fromkeys(name for part in parts for name in part.get("properties", {})))
    return sorted(names, key=lambda name: known.index(name) if name in known else len(known))
