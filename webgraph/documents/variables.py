"""Variables in texts: `{{ params.city }}`, `{{ state.rows }}`, `{{ credential.shop.password }}`. No expressions."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Lookup = Callable[[tuple[str, ...]], Any]

_PLACE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_VARIABLE = re.compile(r"[A-Za-z_][\w-]*(?:\.[\w-]+)*")


class VariableError(ValueError):
    """A text holds braces that name no variable."""


@dataclass(frozen=True, slots=True)
class Template:
    """A text cut into literal parts and variables, each variable a path such as ("params", "city")."""

    parts: tuple[str | tuple[str, ...], ...]

    @property
    def variables(self) -> Iterator[tuple[str, ...]]:
        """The paths it needs."""
        return (part for part in self.parts if isinstance(part, tuple))

    def text(self, lookup: Lookup, quote: Callable[[str], str] | None = None) -> str:
        """The text with each variable's value in its place; `quote` is applied to the values alone."""
        words = []
        for part in self.parts:
            if isinstance(part, str):
                words.append(part)
            else:
                value = as_text(lookup(part))
                words.append(quote(value) if quote else value)
        return "".join(words)

    def value(self, lookup: Lookup) -> Any:
        """The value itself where the text is one variable and nothing else; else the text."""
        if len(self.parts) == 1 and isinstance(self.parts[0], tuple):
            return lookup(self.parts[0])
        return self.text(lookup)


def template(text: str) -> Template:
    """Cut a text at its variables; VariableError says which braces hold none."""
    parts: list[str | tuple[str, ...]] = []
    position = 0
    for place in _PLACE.finditer(text):
        name = place[1].strip()
        if not _VARIABLE.fullmatch(name):
            msg = f"{place[0]!r} names no variable; write for instance {{{{ params.city }}}}."
            raise VariableError(msg)
        if place.start() > position:
            parts.append(text[position : place.start()])
        parts.append(tuple(name.split(".")))
        position = place.end()
    rest = text[position:]
    if "{{" in rest:
        msg = "'{{' is not closed; a variable ends with '}}'."
        raise VariableError(msg)
    if rest or not parts:
        parts.append(rest)
    return Template(tuple(parts))


def as_text(value: Any) -> str:
    """A value as it is typed into a page: dates as ISO, yes and no as true and false, nothing as an empty text.

    A secret is revealed: documents may use one only in what is typed.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, bool | list | dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
