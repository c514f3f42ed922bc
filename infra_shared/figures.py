"""The registry of figures: each app says what it measures, and whoever shows figures reads them all.

A figure is read from rows at the moment somebody asks. Nothing is counted in a process: it would be lost with the
process, and would differ between the processes that may answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

PREFIX = "automation_"
_NAME = re.compile(rf"{PREFIX}[a-z0-9_]+")
_COUNTER_END = "_total"


class Kind(StrEnum):
    """How a figure moves."""

    GAUGE = "gauge"
    """Up and down."""
    COUNTER = "counter"
    """Up alone: what matters is how much it grew."""


@dataclass(frozen=True, slots=True)
class Label:
    """What figures of one name differ by: its name, and all the `values` it can have.

    A label has few values, however long the server runs: never an id, an address or what a caller chose. Where people of
    the installation name them, such as queues, `named_by` says what it holds instead.
    """

    name: str
    values: tuple[str, ...] = ()
    named_by: str = ""

    def __post_init__(self) -> None:
        if bool(self.values) == bool(self.named_by):
            msg = f"The label {self.name!r} has either all its values, or words that say what it is the name of."
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Figures of one name that differ by their labels.

    The name ends with its unit, a counter's with `_total`. `words` say what it is to a person.
    """

    name: str
    words: str
    labels: tuple[Label, ...] = ()
    kind: Kind = Kind.GAUGE

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            msg = f"A figure's name begins with {PREFIX!r} and has small letters, digits and _: not {self.name!r}."
            raise ValueError(msg)
        if self.name.endswith(_COUNTER_END) != (self.kind is Kind.COUNTER):
            msg = (
                f"A counter's name ends with {_COUNTER_END!r}, and no other: {self.name!r} is a {self.kind}."
            )
            raise ValueError(msg)

    def of(self, value: float, *labels: str) -> Figure:
        """One figure of this family; the labels' values in the order of their names."""
        if len(labels) != len(self.labels):
            names = tuple(label.name for label in self.labels)
            msg = f"{self.name} has the labels {names}, not as many as {labels}."
            raise ValueError(msg)
        return Figure(self, labels, value)


@dataclass(frozen=True, slots=True)
class Figure:
    """One number, as it was when it was read."""

    family: Family
    labels: tuple[str, ...]
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Families that are read together, with the moment (the database's clock) they are to be true of.

    `read` asks a fixed number of questions, however many rows there are.
    """

    title: str
    families: tuple[Family, ...]
    read: Callable[[datetime], Iterable[Figure]]


_groups: list[Group] = []


def register(group: Group) -> Group:
    """Have the group's figures read with all others; ValueError when one of its names is taken."""
    taken = {family.name for other in _groups for family in other.families}
    again = [family.name for family in group.families if family.name in taken]
    if again:
        msg = f"{group.title}: there is a figure {again[0]!r} already."
        raise ValueError(msg)
    _groups.append(group)
    return group


def groups() -> tuple[Group, ...]:
    """Every registered group, by title."""
    return tuple(sorted(_groups, key=lambda group: group.title))
