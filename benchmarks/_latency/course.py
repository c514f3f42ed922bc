"""Both systems on one database: fifty schedules each, at the same moments, then requests one after the other."""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from benchmarks._latency.marks import marks, percentiles
from config.local.api_client import ApiClient, ApiError
from config.local.processes import Part, stop
from config.local.terminal import say
from infra_shared.clock import monotonic, sleep, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from config.local.system import LocalSystem

SCHEDULES = 50
WARM_UP = 6
MARK, FIRST_STEP = "latency-mark", "latency-first-step"
READY_SECONDS = 120.0
LEAD = timedelta(seconds=20)
"""By when all schedules are made; the first planned time lies after it."""
SETTLE_SECONDS = 75.0
"""How long after the last planned time its work may begin: twice what stock django-q2 needs at most, and more."""
POLL_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Stock:
    """Stock django-q2 beside a system, and the files both write to."""

    system: LocalSystem
    part: Part

    def log(self, name: str) -> Path:
        """The file of one measurement."""
        return self.system.folder / f"{name}.marks"

    def do(self, *arguments: str) -> None:
        """Run its program to its end."""
        self.system.python("-m", "benchmarks._latency.stock", *arguments)


def measure(system: LocalSystem, *, minutes: int, requests: int, seed: int) -> dict[str, Any]:
    """The figures; the system is migrated, with nothing started."""
    client = ApiClient(system.web_url, str(system.accounts("ensure")["key"]))
    command = [sys.executable, "-m", "benchmarks._latency.stock", "cluster"]
    part = Part("stock", command, system.environment, system.folder / "log" / "stock.log", grace_seconds=20)
    stock = Stock(system, part)
    system.start_site()
    system.start()
    part.start()
    try:
        _await(lambda: MARK in _automations(client), READY_SECONDS, "the node's automations")
        # The first work of a process loads what it needs: neither system is measured by that.
        _ask_over_the_api(client, system.site_url, WARM_UP)
        stock.do("ask", str(stock.log("warm-up")), str(WARM_UP))
        ours, theirs = _lateness(client, stock, minutes, seed)
        say(f"{len(ours)} and {len(theirs)} planned times were measured, ours and stock")
        to_first_step = _ask_over_the_api(client, system.site_url, requests)
        stock.do("ask", str(stock.log("asked")), str(requests))
    finally:
        stop([part])
    lateness, stock_lateness = percentiles(ours), percentiles(theirs)
    return {
        "lateness": lateness,
        "stock_lateness": stock_lateness,
        "lateness_ratio": round(stock_lateness["p50"] / lateness["p50"], 1),
        "api_to_first_step": percentiles(to_first_step),
        "stock_enqueue_to_start": percentiles(item.late_seconds for item in marks(stock.log("asked"))),
    }


def _lateness(client: ApiClient, stock: Stock, minutes: int, seed: int) -> tuple[list[float], list[float]]:
    """How late each planned time began, ours and stock's: both plan the same moments, spread over the minute."""
    chance = random.Random(seed)  # noqa: S311 - repeatable moments, not a secret
    begin = (utc_now() + LEAD).replace(microsecond=0)
    firsts = [begin + timedelta(seconds=chance.randrange(60)) for _ in range(SCHEDULES)]
    ours, theirs = stock.log("ours"), stock.log("stock")
    stock.do("plan", str(theirs), *(first.isoformat() for first in firsts))
    made = [_make_schedule(client, number, first, ours) for number, first in enumerate(firsts)]
    end = begin + timedelta(minutes=minutes)
    if utc_now() >= begin:
        raise ApiError(f"Making the schedules took longer than {LEAD.seconds} s.")
    count = SCHEDULES * minutes
    sleep((end - utc_now()).total_seconds())
    for schedule_id in made:
        client.post(f"/schedules/{schedule_id}/pause", {"reason": "measured"})
    for log in (ours, theirs):
        _await(lambda log=log: len(_late(log, end)) >= count, SETTLE_SECONDS, f"{count} marks in {log.name}")  # type: ignore[misc]  # the default binds the loop's value
    return _late(ours, end), _late(theirs, end)


def _late(log: Path, end: datetime) -> list[float]:
    return [item.late_seconds for item in marks(log) if item.planned_at < end]


def _make_schedule(client: ApiClient, number: int, first: datetime, log: Path) -> int:
    body = {
        "name": f"ours {number}",
        "automation": MARK,
        "kind": "interval",
        "every_seconds": 60,
        "anchor_at": first.isoformat(),
        "params": {"log": str(log), "planned": "{{ fire_at:%Y-%m-%dT%H:%M:%S }}"},
    }
    return int(client.post("/schedules", body)["id"])


def _ask_over_the_api(client: ApiClient, site_url: str, count: int) -> list[float]:
    """For each request, from before it is sent until the run's first step begins."""
    seconds = []
    for _ in range(count):
        asked_at = utc_now()
        run = client.post("/runs", {"automation": FIRST_STEP, "params": {"base_url": site_url}})
        client.wait_for_run(run["id"], seconds=READY_SECONDS)
        first = next(client.items(f"/runs/{run['id']}/steps"))
        seconds.append((datetime.fromisoformat(first["started_at"]) - asked_at).total_seconds())
    return seconds


def _automations(client: ApiClient) -> Sequence[str]:
    return [item["key"] for item in client.items("/automations") if item["runnable"]]


def _await(condition: Callable[[], bool], seconds: float, what: str) -> None:
    until = monotonic() + seconds
    while not condition():
        if monotonic() > until:
            raise ApiError(f"Waited {seconds:.0f} s for {what}.")
        sleep(POLL_SECONDS)
