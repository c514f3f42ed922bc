"""The storm itself: each planned blow at its time, and everything that ends is started again."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil

from benchmarks._chaos.plan import Blow
from benchmarks._chaos.system import LEASE_SECONDS, POLL_SECONDS, words_of
from config.local.terminal import say
from infra_shared.clock import monotonic, sleep

if TYPE_CHECKING:
    from benchmarks._chaos.plan import Plan, PlannedBlow
    from benchmarks._chaos.system import ChaosSystem

FROZEN_SECONDS = LEASE_SECONDS * 1.5
LEAST_AWAY_SECONDS, MOST_AWAY_SECONDS = 1.0, 5.0
# Busy processes first: an idle one that is frozen costs nobody anything.
_WORKERS = (
    "SELECT pid FROM runs_workerprocess ORDER BY CASE WHEN current_attempt_id IS NULL THEN 1 ELSE 0 END, pid"
)
_FIRST_FEW = 3


class Storm:
    """Strikes a system as planned.

    Attributes:
        struck: how often each kind of blow met somebody.
    """

    def __init__(self, system: ChaosSystem, plan: Plan) -> None:
        self._system = system
        self._plan = plan
        self._frozen: list[tuple[float, psutil.Process]] = []
        self.struck: Counter[Blow] = Counter()
        self._ways = {
            Blow.KILL: self._kill,
            Blow.FREEZE: self._freeze,
            Blow.CUT: self._cut,
            Blow.LOSE_TICKETS: self._lose_tickets,
            Blow.DATABASE_AWAY: self._database_away,
        }

    def run(self) -> None:
        """Strike until the plan's time is over; nothing is left frozen when this returns."""
        began = monotonic()
        coming = list(self._plan.blows)
        while (passed := monotonic() - began) < self._plan.seconds:
            if coming and coming[0].at_seconds <= passed:
                self._strike(coming.pop(0), passed)
            self._thaw(monotonic())
            self._system.tend()
            sleep(POLL_SECONDS)
        self._thaw(float("inf"))

    def _strike(self, blow: PlannedBlow, passed: float) -> None:
        met = self._ways[blow.blow](blow.chance)
        if met:
            self.struck[blow.blow] += 1
        say(f"{passed:6.1f} s  {blow.blow.replace('_', ' ')}: {met or 'nobody'}")

    def _kill(self, chance: float) -> str:
        tree = self._system.tree()
        victim = tree[int(chance * len(tree))] if tree else None
        if victim is None:
            return ""
        words = words_of(victim)
        try:
            victim.kill()
        except psutil.NoSuchProcess:
            return ""
        return words

    def _freeze(self, chance: float) -> str:
        frozen = {process.pid for _, process in self._frozen}
        ours = {process.pid: process for process in self._system.tree() if process.pid not in frozen}
        workers = [ours[pid] for (pid,) in self._system.database.rows(_WORKERS) if pid in ours]
        first = workers[:_FIRST_FEW]
        if not first:
            return ""
        victim = first[int(chance * len(first))]
        try:
            victim.suspend()
        except psutil.NoSuchProcess:
            return ""
        self._frozen.append((monotonic() + FROZEN_SECONDS, victim))
        return words_of(victim)

    def _cut(self, chance: float) -> str:
        count = self._system.database.cut_connections(0.2 + 0.6 * chance)
        return f"{count} connections" if count else ""

    def _lose_tickets(self, chance: float) -> str:
        odd = int(chance * 2)
        count = self._system.database.run(
            f"DELETE FROM django_q_ormq WHERE key = 'default' AND id % 2 = {odd}"
        )
        return f"{count} tickets" if count else ""

    def _database_away(self, chance: float) -> str:
        seconds = LEAST_AWAY_SECONDS + (MOST_AWAY_SECONDS - LEAST_AWAY_SECONDS) * chance
        with self._system.database.away():
            sleep(seconds)
        return f"for {seconds:.1f} s"

    def _thaw(self, now: float) -> None:
        for until, process in [item for item in self._frozen if item[0] <= now]:
            self._frozen.remove((until, process))
            with suppress(psutil.NoSuchProcess):  # the watchdog was quicker
                process.resume()
