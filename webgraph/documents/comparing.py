"""Whether a comparison holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from webgraph.documents.variables import as_text, template
from webgraph.errors import BadResultError

if TYPE_CHECKING:
    from webgraph.documents.conditions import Compared
    from webgraph.documents.variables import Lookup


def holds(compared: Compared, lookup: Lookup) -> bool:
    """Whether it holds now. Values are compared as they are typed: 5 equals "5", true equals "true"."""
    value = template(compared.value).value(lookup)
    (way,) = compared.chosen
    if way == "empty":
        return (value in (None, "", [], {})) is compared.empty
    if way in ("above", "below"):
        return _ordered(way, value, compared)
    if way == "contains":
        wanted = template(compared.contains or "").text(lookup)
        return (
            wanted in [as_text(item) for item in value]
            if isinstance(value, list)
            else wanted in as_text(value)
        )
    if way == "in":
        return as_text(value) in {_filled(item, lookup) for item in compared.in_ or ()}
    other = compared.equals if way == "equals" else compared.not_equals
    return (as_text(value) == _filled(other, lookup)) is (way == "equals")


def _ordered(way: str, value: Any, compared: Compared) -> bool:
    try:
        number = float(as_text(value))
    except ValueError as error:
        msg = f"{compared.value} is {as_text(value)!r}, which is no number to compare."
        raise BadResultError(msg) from error
    limit = compared.above if way == "above" else compared.below
    assert limit is not None  # it is the chosen one
    return number > limit if way == "above" else number < limit


def _filled(value: Any, lookup: Lookup) -> str:
    return template(value).text(lookup) if isinstance(value, str) else as_text(value)
