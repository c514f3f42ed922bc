"""From the first run to the last figure: ask, strike, wait until all is over, look; then stop, and take stock."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
import psutil

from benchmarks._chaos import ledger
from benchmarks._chaos.asking import Api
from benchmarks._chaos.system import wait, words_of
from benchmarks._soak.lives import descriptor_growth, growth, slopes
from benchmarks._soak.plan import CREATE, INVOICES, SNAPSHOT, Blow
from benchmarks._soak.store import read_gaps, read_holdings
from config.local.terminal import say
from infra_shared.clock import monotonic

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from benchmarks._soak.plan import Plan, Round
    from benchmarks._soak.store import Holdings
    from benchmarks._soak.system import SoakSystem

READY_SECONDS = 180.0
ROUND_SECONDS = 600.0
UNDER_WAY_SECONDS = 60.0
FAULTS = ("503@0.01", "delay:1@0.03", "drop@0.003", "expired_session@0.003")
"""No 429, and few answers that break off: the minute, or the third of one, that is waited would be most of the soak."""
MEGABYTE = 1024 * 1024
TOLD = 20
_RUNNING = (
    "SELECT p.pid FROM runs_workerprocess p JOIN runs_attempt a ON a.id = p.current_attempt_id ORDER BY p.pid"
)
_STATES = "SELECT state, count(*) FROM runs_run GROUP BY 1 ORDER BY 2 DESC"
_ATTEMPTS = "SELECT trim(state || ' ' || failure_kind), count(*) FROM runs_attempt GROUP BY 1 ORDER BY 2 DESC"


class NotOverError(Exception):
    """The system was not up, or runs did not end, in time: nothing was measured."""


@dataclass
class Course:
    """What was seen on the way.

    Attributes:
        over: how many runs have ended.
        connections: how many the database had at each look.
        temporary: how many files and folders lay where each process puts its temporary ones, at each look.
    """

    system: SoakSystem
    chance: random.Random
    over: int = 0
    connections: list[int] = field(default_factory=list)
    temporary: list[int] = field(default_factory=list)
    struck: Counter[Blow] = field(default_factory=Counter)

    def run(self, plan: Plan, api: Api, *, within_seconds: float) -> None:
        """Play the rounds of the plan; none begins after so many seconds."""
        until = monotonic() + within_seconds
        self._look()
        for part in plan.rounds:
            if monotonic() > until:
                say(f"the time is over after {self.over} runs")
                break
            self._play(part, api)
            self.over += len(part.requests)
            self._look()
        if self.over < 2 * plan.warm_up_runs:
            raise NotOverError(
                f"After {self.over} runs hardly anything was warm: nothing was measured. More --minutes."
            )

    def _look(self) -> None:
        over = self.over
        self.system.census.look(over)
        self.connections.append(self.system.connections())
        self.temporary.append(self.system.temporary_entries())
        latest = [life.looks[-1] for life in self.system.census.lives if life.looks]
        now = [look for look in latest if look.runs == over]
        memory = sum(look.rss_bytes for look in now) / MEGABYTE
        say(
            f"{over:4d} runs: {len(now)} Python processes with {memory:.0f} MB and "
            f"{sum(look.descriptors for look in now)} descriptors, {self.system.census.counts[-1]} processes, "
            f"{self.connections[-1]} connections"
        )

    def _play(self, part: Round, api: Api) -> None:
        for body in part.requests:
            api.post("/runs", body)
        for blow in part.blows:
            self._strike(blow)
        if not wait(self._is_quiet, ROUND_SECONDS):
            raise NotOverError(f"Not every run ended within {ROUND_SECONDS:.0f} s: {self._counts(_STATES)}")

    def _strike(self, blow: Blow) -> None:
        wait(lambda: bool(self._victims(blow)), UNDER_WAY_SECONDS)
        victims = self._victims(blow)
        if victims:
            victim = self.chance.choice(victims)
            words = words_of(victim)
            with suppress(psutil.NoSuchProcess):  # it was quicker
                victim.kill()
                self.struck[blow] += 1
                say(f"killed, a {blow}: {words}")

    def _victims(self, blow: Blow) -> list[psutil.Process]:
        """Those that work for an attempt right now."""
        busy = {int(pid) for (pid,) in self.system.database.rows(_RUNNING)}
        if blow is Blow.BROWSER:
            return self.system.census.browsers() if busy else []
        return [process for process in self.system.census.tree() if process.pid in busy]

    def _is_quiet(self) -> bool:
        for part in (self.system.local.node, self.system.local.web):
            if part.pid is None:
                raise NotOverError(f"The {part.name} ended. {part.last_lines()}")
        return not self.system.database.rows(ledger.UNSETTLED)[0][0]

    def tell(self) -> None:
        """Say what there was to go wrong: figures of zero mean something only beside these."""
        killed = ", ".join(f"{count} times a {blow}" for blow, count in self.struck.items())
        say(f"killed: {killed or 'nobody'}")
        say(f"runs: {self._counts(_STATES)}")
        say(f"attempts: {self._counts(_ATTEMPTS)}")

    def _counts(self, query: str) -> str:
        return ", ".join(f"{count} {name}" for name, count in self.system.database.rows(query))


def measure(system: SoakSystem, plan: Plan, *, seed: int, within_seconds: float) -> dict[str, float]:
    """Play the plan and return the figures, after a line for each thing that was left behind.

    Raises:
        NotOverError: the soak could not be played to its end.
    """
    connections_before = system.connections()
    api = _started(system)
    files_before = system.data_files()
    course = Course(system, random.Random(seed))  # noqa: S311 - a repeatable choice, not a secret
    _switch_faults(system)
    course.run(plan, api, within_seconds=within_seconds)
    course.tell()
    system.leave()
    warm_up = plan.warm_up_runs
    first = next(number for number, look in enumerate(_runs_at_looks(plan)) if look >= warm_up)
    processes = [*sorted(system.census.strays), *system.census.left()]
    processes += _more("process", growth(system.census.counts[first:]))
    connections = _more("connection", growth(course.connections[first:]))
    connections += _more("connection after the end", system.connections_left() - connections_before)
    holdings = _swept(system)
    files = _files(system, files_before, warm_up) + _more("temporary entry", growth(course.temporary[first:]))
    gaps = read_gaps(system.database, holdings)
    return {
        "runs": course.over,
        "rss_slope_mb_per_100_runs": _slope(system, warm_up),
        "leaked_processes": _told("process", processes),
        "leaked_files": _told("file", files),
        "leaked_connections": _told("connection", connections),
        "orphan_blobs": _told("orphan", holdings.orphans()),
        "bytes_per_run": round(holdings.stored_bytes / course.over),
        "evidence_gaps": _told("gap", [text for text, count in gaps.items() for _ in range(count)]),
    }


def _started(system: SoakSystem) -> Api:
    key = system.local.python("-m", "benchmarks._chaos.prepare").strip()
    system.local.start()
    api = Api(system.local.web_url, key)
    if not wait(lambda: {CREATE, INVOICES, SNAPSHOT} <= set(api.automations()), READY_SECONDS):
        raise NotOverError(f"The node did not register its automations within {READY_SECONDS:.0f} s.")
    return api


def _switch_faults(system: SoakSystem) -> None:
    order = {"faults": list(FAULTS)}
    httpx.post(f"{system.local.site_url}/_control/faults", json=order, trust_env=False).raise_for_status()


def _runs_at_looks(plan: Plan) -> list[int]:
    """How many runs are over at each look."""
    found = [0]
    for part in plan.rounds:
        found.append(found[-1] + len(part.requests))
    return found


def _slope(system: SoakSystem, warm_up_runs: int) -> float:
    found = slopes(system.census.lives, warm_up_runs=warm_up_runs)
    scale = 100 / MEGABYTE
    for place, slope in sorted(found.items(), key=lambda item: -abs(item[1])):
        say(f"{slope * scale:+8.2f} MB in 100 runs: {place}")
    return round(sum(found.values()) * scale, 2)


def _files(system: SoakSystem, before: set[Path], warm_up_runs: int) -> list[str]:
    left = [str(path) for path in sorted(system.temporary_files() | (system.data_files() - before))]
    opened = descriptor_growth(system.census.lives, warm_up_runs=warm_up_runs)
    return left + [line for place, count in opened.items() for line in _more(f"descriptor of {place}", count)]


def _swept(system: SoakSystem) -> Holdings:
    """What the store holds after the product's own sweep, whose grace is taken to be over."""
    before = len(read_holdings(system.database, system.store).orphans())
    removed = system.local.python("-m", "benchmarks._soak.sweep").strip()
    say(
        f"nobody referred to {before} of the store's files; the sweep removed {removed}, unfinished uploads included"
    )
    return read_holdings(system.database, system.store)


def _more(what: str, count: int) -> list[str]:
    return [f"one more {what}"] * max(0, count)


def _told(what: str, lines: Iterable[str]) -> int:
    counts = Counter(lines)
    for line, count in counts.most_common(TOLD):
        say(f"{what}, {count} times: {line}")
    return counts.total()
