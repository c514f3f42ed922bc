"""What kind of event a delivery is: each scheme's own place for it, else where the source says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from intake.errors import ExpressionError, PayloadUnreadableError
from intake.matching.expressions import evaluate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from intake.matching.rules import Arrival

MAX_LENGTH = 200
_HEADERS = {"github": "x-github-event", "shopify": "x-shopify-topic"}
_PATHS = {"standard": "type", "stripe": "type", "slack": "event.type || type"}


def type_of(
    *, scheme: str, type_header: str, type_path: str, headers: Sequence[Sequence[str]], arrival: Arrival
) -> str:
    """The type of an event, "" where it says none. What the source names comes before what its scheme does."""
    header = type_header or ("" if type_path else _HEADERS.get(scheme, ""))
    if header:
        return _short(next((value for name, value in headers if name.lower() == header.lower()), ""))
    path = type_path or _PATHS.get(scheme, "")
    if not path:
        return ""
    try:
        return _short(evaluate(path, arrival.payload()))
    except (ExpressionError, PayloadUnreadableError):
        return ""  # it is stored all the same; a trigger that looks into the body says what is wrong with it


def _short(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    printable = "".join(letter if letter.isprintable() else "?" for letter in value)
    return printable[:MAX_LENGTH]
