"""The registry of what `doctor` looks at: each app says what must hold in its rooms, and one command looks at it all.

An app registers its checks in its module `doctor`, which nobody but that command imports.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Level(StrEnum):
    """How things are."""

    OK = "ok"
    WARN = "warn"
    """It works, and somebody should do something."""
    FAIL = "fail"
    """It does not work, or will lose something."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was seen, in one line, and what to do about it; nothing where all is well."""

    level: Level
    words: str
    advice: str = ""


def good(words: str) -> Finding:
    """Something that is as it should be."""
    return Finding(Level.OK, words)


def odd(words: str, advice: str) -> Finding:
    """Something that works and should be different."""
    return Finding(Level.WARN, words, advice)


def bad(words: str, advice: str) -> Finding:
    """Something that does not work."""
    return Finding(Level.FAIL, words, advice)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Something that can be looked at by itself.

    `look` yields at least one finding; it runs on a thread of its own, for `seconds` at most. `advice` is what to do when
    it raises or does not end. `after` names checks without which there is nothing to look at: where one of them failed,
    this one is left out.
    """

    name: str
    look: Callable[[], Iterable[Finding]]
    advice: str
    order: int
    seconds: float = 15.0
    after: tuple[str, ...] = ()


_checks: dict[str, Check] = {}


def register(check: Check) -> Check:
    """Have this looked at with all others; ValueError when its name is taken."""
    if check.name in _checks:
        msg = f"There is a check {check.name!r} already."
        raise ValueError(msg)
    _checks[check.name] = check
    return check


def checks() -> tuple[Check, ...]:
    """Every registered check, in the order in which they are looked at."""
    return tuple(sorted(_checks.values(), key=lambda check: check.order))
