"""From the first schedule to the last figure: make, strike, let it end, take stock."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import psycopg

from benchmarks._chaos import ledger, witness
from benchmarks._chaos.asking import Api, Asker
from benchmarks._chaos.audit import Truth, violations
from benchmarks._chaos.plan import ONE_PAGE, Blow
from benchmarks._chaos.storm import Storm
from benchmarks._chaos.system import wait
from config.local.terminal import say
from infra_shared.clock import monotonic, sleep, utc_now

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from benchmarks._chaos.ledger import Ledger
    from benchmarks._chaos.plan import Plan, PlannedSchedule
    from benchmarks._chaos.system import ChaosSystem

READY_SECONDS = 180.0
MAKING_SECONDS, MAKING_SECONDS_EACH = 3.0, 0.2
"""By when every schedule is made; the first planned time that counts lies after it."""
DRAIN_SECONDS = 300.0
DRAIN_POLL_SECONDS = 0.5
AT_ONCE = 4
"""Requests of the making and the pausing."""
PAUSE = {"reason": "the storm is over"}
FAULTS = ("503@0.03", "delay:1@0.05", "drop@0.02")


@dataclass(frozen=True, slots=True)
class Making:
    """The schedules that were made: their keys, in the order of the plan; no time that counts lies before `began_at`."""

    began_at: datetime
    ids: Sequence[int]


class NotReadyError(Exception):
    """The system was not up, or its schedules were not made, in time: nothing was measured."""


def measure(system: ChaosSystem, plan: Plan) -> dict[str, int]:
    """Play the plan and return the figures, after a line for each thing that did not hold.

    Raises:
        NotReadyError: the storm could not begin.
    """
    api = _started(system)
    making = _make_schedules(system, plan, api)
    asker = Asker(api, plan.requests, base_url=system.local.site_url)
    _switch_faults(system, FAULTS)
    sleep((making.began_at - utc_now()).total_seconds())
    asker.start()
    storm = Storm(system, plan)
    storm.run()
    until = utc_now()
    _switch_faults(system, ())
    due = [
        (schedule_id, moment)
        for schedule_id, schedule in zip(making.ids, plan.schedules, strict=True)
        for moment in schedule.times(making.began_at, until)
    ]
    _drain(system, api, making, asker)
    found = ledger.read(system.database)
    truth = Truth(
        due=due,
        began_at=making.began_at,
        until=until,
        accepted=asker.accepted,
        invoiced=[item["customer"] for item in _ask_site(system, "/_truth")["created"]],
    )
    _tell(found, storm.struck, asker.refused)
    lines = violations(found, truth) | {"leaked_processes": system.leave()}
    for name, each in lines.items():
        for line in each[:20]:
            say(f"VIOLATED {name}: {line}")
    counts = {"due_occurrences": len(due), "runs": len(found.runs), "kills": storm.struck[Blow.KILL]}
    return counts | {name: len(each) for name, each in lines.items()}


def _started(system: ChaosSystem) -> Api:
    key = system.local.python("-m", "benchmarks._chaos.prepare").strip()
    witness.install(system.database)
    system.start()
    api = Api(system.local.web_url, key)
    if not wait(lambda: ONE_PAGE in api.automations(), READY_SECONDS):
        raise NotReadyError(f"No node registered its automations within {READY_SECONDS:.0f} s.")
    return api


def _make_schedules(system: ChaosSystem, plan: Plan, api: Api) -> Making:
    seconds = MAKING_SECONDS + MAKING_SECONDS_EACH * len(plan.schedules)
    began_at = utc_now() + timedelta(seconds=seconds)

    def make(schedule: PlannedSchedule) -> int:
        params = {**schedule.body["params"], "base_url": system.local.site_url}
        body = {**schedule.body, **schedule.rule(began_at), "params": params}
        return int(api.post("/schedules", body)["id"])

    with ThreadPoolExecutor(AT_ONCE) as pool:
        ids = list(pool.map(make, plan.schedules))
    if utc_now() >= began_at:
        raise NotReadyError(f"Making the schedules took longer than {seconds:.0f} s.")
    return Making(began_at, ids)


def _drain(system: ChaosSystem, api: Api, making: Making, asker: Asker) -> None:
    """Plan nothing more, and wait until every run has ended; what has not by then is counted as it stands."""
    began = monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(lambda key: api.post(f"/schedules/{key}/pause", PAUSE), making.ids):
            system.tend()
    while monotonic() - began < DRAIN_SECONDS and (asker.is_alive() or _unsettled(system)):
        system.tend()
        sleep(DRAIN_POLL_SECONDS)
    say(f"drained in {monotonic() - began:.1f} s")


def _unsettled(system: ChaosSystem) -> int:
    try:
        return int(system.database.rows(ledger.UNSETTLED)[0][0])
    except psycopg.OperationalError:
        return 1  # the server is coming back: ask again


def _switch_faults(system: ChaosSystem, faults: Sequence[str]) -> None:
    order = {"faults": list(faults)}
    url = f"{system.local.site_url}/_control/faults"
    httpx.post(url, json=order, trust_env=False).raise_for_status()


def _ask_site(system: ChaosSystem, path: str) -> dict[str, Any]:
    answer = httpx.get(f"{system.local.site_url}{path}", trust_env=False, timeout=30)
    return dict(answer.raise_for_status().json())


def _tell(found: Ledger, struck: Counter[Blow], refused: Sequence[str]) -> None:
    """Say what there was to go wrong: figures of zero mean something only beside these."""
    say(f"struck: {_words(Counter({str(blow): count for blow, count in struck.items()}))}")
    say(f"runs: {_words(Counter(run.state for run in found.runs))}")
    say(f"attempts: {_words(Counter(row.state for row in found.attempts))}")
    say(f"occurrences: {_words(Counter(row.state for row in found.occurrences))}")
    say(f"witnessed: {_words(Counter(note.what for note in found.notes))}")
    for line in refused:
        say(f"refused: {line}")


def _words(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.most_common()) or "none"
