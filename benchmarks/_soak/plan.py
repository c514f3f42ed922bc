"""Which runs are asked for and what is struck, drawn from one seed before it begins."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_IN_A_ROUND = 12
LEAST_ROUNDS = 6
LEAST_RUNS = 12
"""So that also a short soak looks often enough to draw a line."""
MOST_WARM_UP_RUNS = 60
SNAPSHOT, INVOICES, CREATE = "page-snapshot", "practice-invoices", "practice-create-invoice"

NOBODY_URL = "http://127.0.0.1:9/"


class Blow(StrEnum):
    """Who is killed while a round is under way."""

    BROWSER = "browser"
    WORKER = "worker process"


class Work(StrEnum):
    """What a run does."""

    SNAPSHOT = "open a page"
    INVOICES = "read all invoices"
    CREATE = "create an invoice"
    ROTATED = "read all invoices of the site after a redesign"
    NOWHERE = "open a page that nobody serves"


_WEIGHTS = {Work.SNAPSHOT: 8, Work.INVOICES: 6, Work.CREATE: 4, Work.ROTATED: 1, Work.NOWHERE: 1}


@dataclass(frozen=True, slots=True)
class Round:
    """Runs that are asked for at once and must all be over before the next look."""

    requests: tuple[dict[str, Any], ...]
    blows: tuple[Blow, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """One soak."""

    rounds: tuple[Round, ...]
    warm_up_runs: int


def make_plan(*, runs: int, seed: int, site_url: str) -> Plan:
    """The soak of a seed.

    A browser is killed in each twentieth of it, or so, and a worker process three times; in a short one each at least once.
    """
    chance = random.Random(seed)  # noqa: S311 - a repeatable plan, not a secret
    size = max(1, min(MOST_IN_A_ROUND, runs // LEAST_ROUNDS))
    every = {Blow.BROWSER: max(4, runs // 15), Blow.WORKER: max(6, runs * 3 // 10)}
    rounds = []
    for first in range(1, runs + 1, size):
        numbers = range(first, min(first + size, runs + 1))
        blows = [blow for blow, pace in every.items() if any(n % pace == pace // 2 for n in numbers)]
        rounds.append(Round(tuple(_requests(numbers, site_url, chance)), tuple(blows)))
    return Plan(tuple(rounds), warm_up_runs=min(MOST_WARM_UP_RUNS, runs // 4))


def _requests(numbers: range, site_url: str, chance: random.Random) -> Iterator[dict[str, Any]]:
    for number in numbers:
        work = chance.choices(list(_WEIGHTS), weights=list(_WEIGHTS.values()))[0]
        yield _body(work, number, site_url)


def _body(work: Work, number: int, site_url: str) -> dict[str, Any]:
    base: dict[str, Any] = {"base_url": site_url}
    match work:
        case Work.SNAPSHOT:
            return {"automation": SNAPSHOT, "params": {"url": f"{site_url}/sign-in"}}
        case Work.NOWHERE:
            return {"automation": SNAPSHOT, "params": {"url": NOBODY_URL}}
        case Work.INVOICES:
            return {"automation": INVOICES, "params": base}
        case Work.ROTATED:
            return {"automation": INVOICES, "params": {**base, "layout": "rotated"}}
        case Work.CREATE:
            invoice = {"customer": f"Soak {number:04d}", "amount_cents": 100 + number}
            return {"automation": CREATE, "params": {**base, **invoice}}
