"""Params that speak of the planned time: `{{ fire_at:%Y-%m-%d }}`, `{{ fire_at - 1 day:%d.%m.%Y }}`, `{{ fire_at }}`.

Nothing is evaluated: one pattern is looked for in the strings of the params, with one shift in whole units and one
format of harmless letters. Days and weeks count on the calendar of the schedule's zone (yesterday stays yesterday when
clocks change), hours and minutes on the clock. Without a format it is ISO 8601 with the offset.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

_ANY = re.compile(r"\{\{\s*fire[_ -]?at\b.*?\}\}|\{\{\s*fire[_ -]?at\b.*", re.IGNORECASE | re.DOTALL)
_RIGHT = re.compile(
    r"\{\{\s*fire_at\s*(?:(?P<sign>[+-])\s*(?P<count>\d{1,4})\s*(?P<unit>minute|hour|day|week)s?\s*)?"
    r"(?::(?P<format>[^{}]{1,60}?))?\s*\}\}"
)
_DIRECTIVE = re.compile(r"%(.?)", re.DOTALL)
_LETTERS = frozenset("YymdHMSjVGuabABzZ%")
EXAMPLE = "{{ fire_at:%Y-%m-%d }}"


class TemplateError(ValueError):
    """Something between the braces cannot be understood; the message says what, and what would be right."""


def uses_fire_at(params: Any) -> bool:
    """Whether any text in the params speaks of the planned time."""
    return any(_ANY.search(text) for text in _texts(params))


def fill_in(params: Any, fire_at: datetime, own: ZoneInfo) -> Any:
    """The params with the planned time filled in, in the zone `own`; TemplateError for what cannot be understood."""
    if isinstance(params, str):
        return _ANY.sub(lambda found: _filled(found.group(), fire_at, own), params)
    if isinstance(params, dict):
        return {name: fill_in(value, fire_at, own) for name, value in params.items()}
    if isinstance(params, list):
        return [fill_in(value, fire_at, own) for value in params]
    return params


def _filled(text: str, fire_at: datetime, own: ZoneInfo) -> str:
    found = _RIGHT.fullmatch(text)
    if found is None:
        raise TemplateError(f"{text!r} cannot be understood. Write it such as {EXAMPLE}")
    moment = _shifted(found, fire_at, own)
    wanted = found["format"]
    if wanted is None:
        return moment.isoformat(timespec="seconds")
    for letter in _DIRECTIVE.findall(wanted):
        if letter not in _LETTERS:
            known = " ".join(f"%{item}" for item in sorted(_LETTERS))
            raise TemplateError(f"%{letter} in {text!r} is not one of {known}.")
    return moment.strftime(wanted)


def _shifted(found: re.Match[str], fire_at: datetime, own: ZoneInfo) -> datetime:
    local = fire_at.astimezone(own)
    if found["unit"] is None:
        return local
    by = timedelta(**{f"{found['unit']}s": int(found["sign"] + found["count"])})
    if found["unit"] in ("minute", "hour"):
        return (local.astimezone(UTC) + by).astimezone(own)
    # Through UTC and back: a reading that clocks jump over that day becomes one that exists.
    return (local + by).astimezone(UTC).astimezone(own)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
