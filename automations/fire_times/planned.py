"""One planned time, and what a change of clocks did to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class Mark(StrEnum):
    """What is special about a planned time."""

    PLAIN = ""
    MOVED = "moved"
    SKIPPED = "skipped"
    FIRST_ALONE = "first_alone"
    FIRST_OF_TWO = "first_of_two"
    SECOND_OF_TWO = "second_of_two"

    @property
    def in_words(self) -> str:
        """What happened, for a person who knows what the clock shows; empty for a plain time."""
        return _WORDS[self]


_WORDS = {
    Mark.PLAIN: "",
    Mark.MOVED: "the clock jumps over it: fires at the first moment after",
    Mark.SKIPPED: "the clock jumps over it: does not fire",
    Mark.FIRST_ALONE: "the clock shows it twice: fires the first time",
    Mark.FIRST_OF_TWO: "the clock shows it twice: this is the first time",
    Mark.SECOND_OF_TWO: "the clock shows it twice: this is the second time",
}


@dataclass(frozen=True, slots=True)
class Planned:
    """A moment (aware, UTC), the reading of the rule's clock that names it (naive), and what is special about it.

    A time that is skipped has the moment at which the clock has jumped over it.
    """

    fire_at: datetime
    reading: datetime
    mark: Mark = Mark.PLAIN

    @property
    def fires(self) -> bool:
        """Whether anything happens at it."""
        return self.mark is not Mark.SKIPPED
