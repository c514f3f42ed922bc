"""How what is limited, paced or paused is named: a kind, a colon, a name.

`automation:read-invoices`, `customer:acme`, `site:https://shop.example`, and `key:account-7` for what an automation
computes from its params, and `session:acme/shop/buyer` for the signed-in session it uses.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from webgraph.sites import origin_of

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_NAME = 200


class Kind(StrEnum):
    """What a key names."""

    AUTOMATION = "automation"
    CUSTOMER = "customer"
    SITE = "site"
    KEY = "key"
    SESSION = "session"

    def of(self, name: str) -> str:
        """The key of one thing of this kind, such as `Kind.SITE.of("https://shop.example")`."""
        return f"{self}:{name}"


KINDS = frozenset(item.value for item in Kind)


def split(key: str) -> tuple[Kind, str]:
    """Kind and name of a key; ValueError when it is none."""
    kind, _, name = key.partition(":")
    if kind not in KINDS or not name:
        known = ", ".join(f"{item}:NAME" for item in Kind)
        msg = f"{key!r} names nothing that can be limited; write one of {known}."
        raise ValueError(msg)
    return Kind(kind), name


def normal(key: str) -> str:
    """The one way to write a key: a site's by its origin. ValueError when it is none, or too long."""
    kind, name = split(key.strip())
    name = origin_of(name) if kind is Kind.SITE else name.strip()
    if not name or len(name) > LONGEST_NAME:
        msg = f"The name of {kind} must have 1 to {LONGEST_NAME} characters."
        raise ValueError(msg)
    return kind.of(name)


def names_of(kind: Kind, keys: Iterable[str]) -> list[str]:
    """The names among the keys that are of this kind, sorted."""
    begin = kind.of("")
    return sorted(key.removeprefix(begin) for key in keys if key.startswith(begin))


def in_words(key: str) -> str:
    """A key as people read it: "the site https://shop.example"."""
    kind, name = split(key)
    return f"the {kind} {name}"
