"""Two layouts of the same site: what a release of the shop's vendor does to an automation.

The rotated layout renames every id, class, field name and test id, and orders columns and blocks differently, while
texts and accessible names stay. Templates and style sheet are written once, in normal names; the rotation rewrites
what they produce, so the two layouts can never drift apart.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Item = TypeVar("Item")

_TAG = re.compile(r"<(?!meta\b)[a-z][a-z0-9-]*\s[^<>]*>")
_NAMING_ATTRIBUTE = re.compile(
    r'(?P<before>\s(?:id|class|name|for|list|data-testid|aria-labelledby|aria-describedby|aria-controls)=")'
    r'(?P<names>[^"]*)(?P<after>")'
)
_FRAGMENT_LINK = re.compile(r'href="#(?P<name>[a-z][a-z0-9-]*)"')
_CSS_NAME = re.compile(r"(?P<mark>[.#])(?P<name>[a-z][a-z0-9-]*)(?=[^{}]*\{)")


def rotated_name(name: str) -> str:
    """The name an id, class or field has in the rotated layout."""
    return "r" + hashlib.sha256(name.encode()).hexdigest()[:7]


@dataclass(frozen=True, slots=True)
class Layout:
    """How one visitor sees the site."""

    rotated: bool = False

    @property
    def name(self) -> str:
        """The layout's word in addresses."""
        return "rotated" if self.rotated else "normal"

    def ordered(self, items: Sequence[Item]) -> list[Item]:
        """Columns or blocks in this layout's order."""
        return list(reversed(items)) if self.rotated else list(items)

    def html(self, page: str) -> str:
        """A page written in normal names, as this layout names things."""
        if not self.rotated:
            return page
        renamed = _TAG.sub(lambda tag: _NAMING_ATTRIBUTE.sub(_rotate_attribute, tag[0]), page)
        return _FRAGMENT_LINK.sub(lambda link: f'href="#{rotated_name(link["name"])}"', renamed)

    def css(self, sheet: str) -> str:
        """The style sheet for the names of this layout."""
        if not self.rotated:
            return sheet
        return _CSS_NAME.sub(lambda found: found["mark"] + rotated_name(found["name"]), sheet)


def field_value(form: Mapping[str, object], name: str) -> str:
    """The text of a form field or query parameter, under the name either layout gives it."""
    value = form.get(name, form.get(rotated_name(name), ""))
    return value.strip() if isinstance(value, str) else ""


def _rotate_attribute(found: re.Match[str]) -> str:
    names = " ".join(rotated_name(name) for name in found["names"].split())
    return found["before"] + names + found["after"]
