"""What one more worker process costs in memory: with a browser that the node shares, and with a browser of its own.

A whole system is started with one worker process and again with several, in both modes. Each worker process has one
attempt at work that has signed in at the practice site and keeps the page with its invoices open. Memory is counted as
proportional share (PSS), so that what processes share is counted once; what is printed is the difference the further
worker processes make, for each of them.

    python -m benchmarks.memory [--slots N] --json
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import httpx
import psutil

from benchmarks._memory.automations import HOLDING, KeepInvoicesOpen
from config.local.system import throwaway_system
from config.local.terminal import say
from infra_shared.clock import monotonic, sleep
from webgraph.browser import processes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from config.local.system import LocalSystem

READY_SECONDS = 300.0
POLL_SECONDS = 0.5
SAMPLES = 5
SAMPLE_SECONDS = 2.0
MEGABYTE = 1024 * 1024


class NotReadyError(Exception):
    """A system did not get as far as to be measured."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a node takes, in bytes: its browsers' processes, and every process of it."""

    browsers: float
    tree: float


def measure(slots: int) -> dict[str, Any]:
    """The figures, in megabytes for each further worker process."""
    shared, own = (_per_slot(slots, shared=mode) for mode in (True, False))
    return {
        "slots": slots,
        "shared_per_slot_mb": round(shared.browsers / MEGABYTE, 1),
        "own_browser_per_slot_mb": round(own.browsers / MEGABYTE, 1),
        "ratio": round(shared.browsers / own.browsers, 3),
        "tree_shared_per_slot_mb": round(shared.tree / MEGABYTE, 1),
        "tree_own_per_slot_mb": round(own.tree / MEGABYTE, 1),
        "tree_ratio": round(shared.tree / own.tree, 3),
    }


def _per_slot(slots: int, *, shared: bool) -> Cost:
    one, many = (_cost_of(count, shared=shared) for count in (1, slots))
    further = slots - 1
    return Cost((many.browsers - one.browsers) / further, (many.tree - one.tree) / further)


def _cost_of(slots: int, *, shared: bool) -> Cost:
    """What a node costs while each of its worker processes has a page open."""
    settings: dict[str, Any] = {
        "AUTOMATION_MODULES": "benchmarks._memory.automations",
        "WORKER_PROCESSES": str(slots),
        "BROWSER_SHARED": str(shared),
    }
    with throwaway_system(**settings) as system:
        key = str(system.accounts("key")["key"])
        system.start_site()
        system.start()
        try:
            _open_pages(system, key, slots)
            cost = _weighed(system)
        finally:
            system.stop(hurry=lambda: True)
    say(
        f"{'shared' if shared else 'own'}, worker processes {slots}: "
        f"browsers {cost.browsers / MEGABYTE:.0f} MB, whole node {cost.tree / MEGABYTE:.0f} MB"
    )
    return cost


def _open_pages(system: LocalSystem, key: str, slots: int) -> None:
    """Ask for as many attempts as there are worker processes; return when each has its page open."""
    headers = {"X-API-Key": key}
    with httpx.Client(base_url=f"{system.web_url}/api/v1", headers=headers, trust_env=False) as api:
        body = {"automation": KeepInvoicesOpen.key, "params": {"base_url": system.site_url}}
        until = monotonic() + READY_SECONDS
        while api.get(f"/automations/{KeepInvoicesOpen.key}").is_error:
            _wait(until, "the automation")
        runs = [api.post("/runs", json=body).raise_for_status().json()["id"] for _ in range(slots)]
        while not all(_has_page(api, run) for run in runs):
            _wait(until, f"{slots} open pages")


def _has_page(api: httpx.Client, run: str) -> bool:
    steps = api.get(f"/runs/{run}/steps").raise_for_status().json()["items"]
    return any(step["stage"] == HOLDING and step["succeeded"] for step in steps)


def _wait(until: float, what: str) -> None:
    if monotonic() > until:
        raise NotReadyError(f"Waited {READY_SECONDS:.0f} s for {what}.")
    sleep(POLL_SECONDS)


def _weighed(system: LocalSystem) -> Cost:
    """The median of a few looks: evidence of the last step may still be on its way."""
    looks = []
    for _ in range(SAMPLES):
        sleep(SAMPLE_SECONDS)
        # By descent: Chromium's renderers do not show the environment they were started with.
        node = psutil.Process(system.node.pid)
        family = [node, *node.children(recursive=True)]
        browsers = [process for process in family if _is_browser(process)]
        looks.append((processes.memory_bytes(browsers), processes.memory_bytes(family)))
    return Cost(median(look[0] for look in looks), median(look[1] for look in looks))


def _is_browser(process: psutil.Process) -> bool:
    try:
        return "chrom" in process.name()
    except psutil.NoSuchProcess:
        return False


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 whenever it measured; the last line holds the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--slots", type=int, default=6, help="worker processes, 2 or more (default: 6)")
    parser.add_argument(
        "--json", action="store_true", help="accepted for uniformity: the last line is always JSON"
    )
    given = parser.parse_args(arguments)
    if given.slots < 2:
        parser.error("--slots must be 2 or more: what is measured is what further ones cost.")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _exit)
    say(json.dumps(measure(given.slots)))
    return 0


def _exit(_number: int, _frame: FrameType | None) -> None:
    sys.exit(1)  # unwinds everything that was started


if __name__ == "__main__":
    sys.exit(main())
