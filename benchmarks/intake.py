"""How many webhooks the edge accepts and the origin stores in a second, on a PostgreSQL of its own.

Signed batches of 1, 10 and 100 messages go to a real web process over one connection, beside INSERTs of 100 rows of the
same events by the same driver; all four take turns in each round, and medians are told. Then a sender posts signed
webhooks to the real Worker in workerd, which forwards them to the same web process; all of them are routed by two
routers at once.

    python -m benchmarks.intake [--rounds N] [--webhooks N] --json
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import sys
from typing import TYPE_CHECKING, Any

import django

from config.local import node
from config.local.system import START_SECONDS, throwaway_system
from config.local.terminal import say

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from config.local.system import LocalSystem


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 whenever it measured, 1 where the Worker cannot run; the last line holds the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.intake", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="how often the sizes take turns (default: 15)")
    parser.add_argument("--webhooks", type=int, default=1000, help="how many are sent (default: 1000)")
    parser.add_argument(
        "--json", action="store_true", help="accepted for uniformity: the last line is always JSON"
    )
    given = parser.parse_args(arguments)
    if reason := node.problem():
        say(f"The edge Worker cannot run here: {reason}")
        return 1
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _exit)
    with throwaway_system(database="postgres", edge=True, LOG_LEVEL="WARNING") as system:
        # This process is a part of the throw-away system: what else the machine sets must not reach it.
        os.environ.clear()  # noqa: TID251 - see above
        os.environ.update(  # noqa: TID251 - see above
            system.environment, DJANGO_SETTINGS_MODULE="config.settings"
        )
        django.setup()
        try:
            figures = _measure(system, given.rounds, given.webhooks)
        finally:
            _disconnect()
    say(json.dumps(figures))
    return 0


def _measure(system: LocalSystem, rounds: int, webhooks: int) -> dict[str, Any]:
    from benchmarks._intake.origin import Origin  # noqa: PLC0415 - it needs the settings
    from benchmarks._intake.sources import open_sources  # noqa: PLC0415 - the same

    sources = open_sources(site_url=system.site_url)
    system.web.start()
    system.web.wait_until_ready(START_SECONDS)
    origin = Origin(system.web_port)
    try:
        rates = _rates(origin, rounds)
    finally:
        origin.close()
    say("the origin is measured; starting the Worker")
    system.start_edge()
    return _edge(system, sources, webhooks) | rates


def _rates(origin: Any, rounds: int) -> dict[str, float]:
    """The medians of all rounds but the first, in which everybody loads what they need."""
    from benchmarks._intake.origin import round_of  # noqa: PLC0415 - it needs the settings

    measured = [round_of(origin) for _ in range(rounds + 1)][1:]
    medians = {name: statistics.median(one[name] for one in measured) for name in measured[0]}
    ratios = {
        "batch_100_vs_1": round(medians["batch_100"] / medians["batch_1"], 1),
        "batch_100_vs_raw": round(medians["batch_100"] / medians["raw_insert_100"], 3),
    }
    return {name: round(rate) for name, rate in medians.items()} | ratios


def _edge(system: LocalSystem, sources: Any, webhooks: int) -> dict[str, Any]:
    from benchmarks._intake import edge  # noqa: PLC0415 - it needs the settings

    accepted = edge.send(system.edge_port or 0, secret=sources.secret, count=webhooks)
    say(f"{accepted.posts} posts accepted in {accepted.seconds:.1f} s, {len(accepted.deliveries)} webhooks")
    stored = edge.await_stored(sources.edge, len(accepted.deliveries))
    return {
        "edge_accepted_per_second": round(accepted.rate),
        "lost": len(accepted.deliveries) - stored,
        "double_runs": edge.route_from_two_sides(sources.edge),
    }


def _disconnect() -> None:
    from django.db import connections  # noqa: PLC0415 - it needs the settings

    connections.close_all()


def _exit(_number: int, _frame: FrameType | None) -> None:
    sys.exit(1)  # unwinds everything that was started


if __name__ == "__main__":
    sys.exit(main())
