"""Faults a visitor or a test may ask for, and when they strike.

One spelling everywhere: `NAME[:VALUE][@RATE]`, several separated by commas, in the URL (`?fault=503@0.3,delay:2`), in
the header `X-Practice-Fault`, or for the whole site by `POST /_control/faults`. RATE is the share of requests that
are struck (1 when left out), drawn from a seeded sequence, so a scenario repeats.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

ROTATED_LAYOUT = "rotated_layout"
NORMAL_LAYOUT = "normal_layout"
EXPIRED_SESSION = "expired_session"
DELAY = "delay"
DROP = "drop"
RATE_LIMIT = "429"
SERVER_ERRORS = ("500", "503")

KNOWN_FAULTS = {
    "500": "answers 500",
    "503": "answers 503",
    RATE_LIMIT: "answers 429; the value is Retry-After in seconds (2)",
    DELAY: "answers after the value in seconds (2)",
    DROP: "closes the connection in the middle of the body",
    EXPIRED_SESSION: "ends the visitor's session",
    ROTATED_LAYOUT: "other ids, classes, field names and order; sticks to the visit when asked for in the URL",
    NORMAL_LAYOUT: "ends a rotated layout that stuck",
}

_SPELLING = re.compile(r"(?P<name>[a-z0-9_]+)(:(?P<value>\d+(\.\d+)?))?(@(?P<rate>\d+(\.\d+)?))?")


class FaultSpellingError(ValueError):
    """A fault nobody can act on; the message lists the ones there are."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: what, how much of it, and for which share of requests."""

    name: str
    value: float = 2.0
    rate: float = 1.0

    def __str__(self) -> str:
        return f"{self.name}:{self.value:g}@{self.rate:g}"


def parse_faults(text: str) -> tuple[Fault, ...]:
    """The faults spelled in a comma-separated text.

    Raises:
        FaultSpellingError: a fault is unknown or its rate is above 1.
    """
    return tuple(_parse_one(part) for part in text.split(",") if part.strip())


def _parse_one(text: str) -> Fault:
    found = _SPELLING.fullmatch(text.strip())
    rate = float(found["rate"] or 1) if found else 0.0
    if found is None or found["name"] not in KNOWN_FAULTS or rate > 1:
        known = ", ".join(KNOWN_FAULTS)
        msg = f"Unknown fault {text.strip()!r}: write NAME[:VALUE][@RATE up to 1], NAME one of {known}."
        raise FaultSpellingError(msg)
    return Fault(found["name"], float(found["value"] or 2), rate)


@dataclass(slots=True)
class FaultBoard:
    """The faults switched on for the whole site, and the seeded dice all faults use."""

    seed: int
    faults: tuple[Fault, ...] = ()
    requests_left: int | None = None
    _dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.switch((), requests=None)

    def switch(self, faults: Iterable[Fault], *, requests: int | None, seed: int | None = None) -> None:
        """Replace the site's faults (for the next `requests` requests only, where given) and start the dice anew."""
        self.faults = tuple(faults)
        self.requests_left = requests
        # The same scenario must meet the same requests each time it is played.
        self._dice = random.Random(self.seed if seed is None else seed)  # noqa: S311 - repeatable faults, not a secret

    def strike(self, asked: Iterable[Fault] = ()) -> dict[str, Fault]:
        """The faults that hit the next request, by name: the site's and those the request asked for itself."""
        hitting = {}
        for fault in (*self._site_faults(), *asked):
            if fault.rate >= 1 or self._dice.random() < fault.rate:
                hitting[fault.name] = fault
        return hitting

    def _site_faults(self) -> tuple[Fault, ...]:
        if self.requests_left is None:
            return self.faults
        if self.requests_left <= 0:
            return ()
        self.requests_left -= 1
        return self.faults
