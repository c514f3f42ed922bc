"""The whole storm drawn from one seed before it begins: which schedules, which requests, which blows, and when."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEDULES = 50
MINUTE = timedelta(minutes=1)
LEAST_REST_SECONDS, MOST_REST_SECONDS = 2.0, 5.0
"""Between two blows; less in a storm that would be over before each kind had its turn."""
SHORT_SECONDS = 40.0
LEAST_ASK_SECONDS, MOST_ASK_SECONDS = 4.0, 9.0
"""Between two requests over the API."""
FIRST_RESTART, REST_BETWEEN_RESTARTS_SECONDS = 0.5, 150.0
"""The database is away in the middle of a short storm, and every few minutes of a long one."""
ONE_PAGE, ALL_INVOICES, COMMIT = "chaos-one-page", "practice-invoices", "practice-create-invoice"
_LANES = 5
_OVERLAPS = ("allow", "skip", "queue")
_MISFIRES = ("skip", "latest", "all")


class Blow(StrEnum):
    """What can be done to a system from outside."""

    KILL = "kill"
    FREEZE = "freeze"
    CUT = "cut"
    LOSE_TICKETS = "lose_tickets"
    DATABASE_AWAY = "database_away"


_WEIGHTS = {Blow.KILL: 16, Blow.FREEZE: 2, Blow.CUT: 3, Blow.LOSE_TICKETS: 3}


@dataclass(frozen=True, slots=True)
class PlannedBlow:
    """One blow so many seconds after the beginning; `chance` in [0, 1) picks whom it meets then."""

    at_seconds: float
    blow: Blow
    chance: float


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    """One request over the API so many seconds after the beginning, under a key that makes it once."""

    at_seconds: float
    key: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PlannedSchedule:
    """One schedule: every so many seconds, counted from its anchor, or at each minute that a number divides.

    Attributes:
        every_seconds: of an interval; 0 for a cron rule.
        minutes: of a cron rule, which fires at each n-th minute of the hour; 0 for an interval.
        phase_seconds: how long after the beginning an interval's first time lies.
        body: what the API is sent, without the rule and the site's address.
    """

    every_seconds: int
    minutes: int
    phase_seconds: float
    body: dict[str, Any]

    def rule(self, began_at: datetime) -> dict[str, Any]:
        """The rule as the API takes it."""
        if self.minutes:
            return {"kind": "cron", "cron": f"*/{self.minutes} * * * *"}
        anchor_at = self._anchor_at(began_at).isoformat()
        return {"kind": "interval", "every_seconds": self.every_seconds, "anchor_at": anchor_at}

    def times(self, began_at: datetime, until: datetime) -> list[datetime]:
        """Every planned time after the beginning, up to and including `until`, counted one by one."""
        walk = self._minutes(began_at) if self.minutes else self._steps(began_at)
        found: list[datetime] = []
        for moment in walk:
            if moment > until:
                return found
            found.append(moment)
        return found

    def _anchor_at(self, began_at: datetime) -> datetime:
        return (began_at + timedelta(seconds=self.phase_seconds)).replace(microsecond=0)

    def _steps(self, began_at: datetime) -> Iterator[datetime]:
        moment = self._anchor_at(began_at)
        while True:
            yield moment
            moment += timedelta(seconds=self.every_seconds)

    def _minutes(self, began_at: datetime) -> Iterator[datetime]:
        moment = began_at.replace(second=0, microsecond=0)
        while True:
            moment += MINUTE
            if moment.minute % self.minutes == 0:
                yield moment


@dataclass(frozen=True, slots=True)
class Plan:
    """One storm."""

    seconds: float
    skews_seconds: tuple[int, ...]
    schedules: tuple[PlannedSchedule, ...]
    requests: tuple[PlannedRequest, ...]
    blows: tuple[PlannedBlow, ...]


def make_plan(*, seed: int, seconds: float, schedules: int = SCHEDULES) -> Plan:
    """The storm of a seed: the same seed, length and number of schedules give the same plan for ever."""
    chance = random.Random(seed)  # noqa: S311 - a repeatable plan, not a secret
    skew = chance.randint(60, 600)
    return Plan(
        seconds=seconds,
        skews_seconds=(0, skew, -skew),
        schedules=tuple(_schedule(number, seconds, chance) for number in range(schedules)),
        requests=tuple(_requests(seed, seconds, chance)),
        blows=tuple(_blows(seconds, chance)),
    )


def _schedule(number: int, seconds: float, chance: random.Random) -> PlannedSchedule:
    automation = {3: ALL_INVOICES, 7: COMMIT}.get(number % 10 if number < 30 else 0, ONE_PAGE)
    name = f"Chaos {number:02d}"
    is_cron = chance.random() < 0.2
    every_seconds = chance.randint(60, 120)
    minutes = chance.choice((1, 2))
    # In a storm shorter than that, each interval has a time all the same.
    phase_seconds = chance.uniform(1, min(every_seconds, max(seconds, 2)))
    return PlannedSchedule(
        every_seconds=0 if is_cron else every_seconds,
        minutes=minutes if is_cron else 0,
        phase_seconds=phase_seconds,
        body={
            "name": name,
            "automation": automation,
            "params": _params(automation, f"{name} {{{{ fire_at:%H:%M:%S }}}}", chance),
            "overlap": chance.choice(_OVERLAPS),
            "misfire": chance.choice(_MISFIRES),
            "misfire_grace_seconds": chance.choice((5, 30)),
        },
    )


def _requests(seed: int, seconds: float, chance: random.Random) -> Iterator[PlannedRequest]:
    at_seconds = chance.uniform(0, MOST_ASK_SECONDS)
    number = 0
    while at_seconds < seconds:
        number += 1
        automation = chance.choices((ONE_PAGE, COMMIT, ALL_INVOICES), weights=(5, 4, 1))[0]
        params = _params(automation, f"Asked {number:03d}", chance)
        body = {"automation": automation, "params": params}
        yield PlannedRequest(at_seconds, f"chaos-{seed}-{number}", body)
        at_seconds += chance.uniform(LEAST_ASK_SECONDS, MOST_ASK_SECONDS)


def _params(automation: str, name: str, chance: random.Random) -> dict[str, Any]:
    """Params of one run; every invoice has a customer's name of its own, by which the site's truth is counted."""
    lane, cents, has_reference = chance.randrange(_LANES), chance.randint(100, 99_999), chance.random() < 0.5
    if automation == COMMIT:
        reference = {"reference": name} if has_reference else {}
        return {"customer": name, "amount_cents": cents, **reference}
    return {"lane": lane} if automation == ONE_PAGE else {}


def _blows(seconds: float, chance: random.Random) -> Iterator[PlannedBlow]:
    restart_at = min(seconds * FIRST_RESTART, REST_BETWEEN_RESTARTS_SECONDS / 2)
    pace = min(1.0, seconds / SHORT_SECONDS)
    at_seconds = pace * chance.uniform(0, LEAST_REST_SECONDS)
    # Each storm has each blow at least once; only then do the weights count.
    open_blows = [Blow.KILL, *chance.sample(list(_WEIGHTS), len(_WEIGHTS))]
    while at_seconds < seconds:
        if at_seconds >= restart_at:
            restart_at += REST_BETWEEN_RESTARTS_SECONDS
            blow = Blow.DATABASE_AWAY
        elif open_blows:
            blow = open_blows.pop(0)
        else:
            blow = chance.choices(list(_WEIGHTS), weights=list(_WEIGHTS.values()))[0]
        yield PlannedBlow(at_seconds, blow, chance.random())
        at_seconds += pace * chance.uniform(LEAST_REST_SECONDS, MOST_REST_SECONDS)
