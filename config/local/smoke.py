"""`make smoke`: the whole chain without a person, on free ports and in a throw-away folder.

API key → run → evidence read back over the API → schedule fired. Exit code 0 only if all of it held. The last line
is one JSON object with what was measured.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import signal
import sys
import time
import urllib.request
from typing import TYPE_CHECKING, Any

from config.local.api_client import ApiClient, ApiError
from config.local.processes import NoFreePortError, PartFailedError
from config.local.system import CommandFailedError, LocalSystem, throwaway_system
from config.local.terminal import say

if TYPE_CHECKING:
    from types import FrameType

AUTOMATION = "practice-invoices"
LEAST_STEPS = 8
EXPECTED_ROWS = 200
LEAST_KINDS = 4
FIRST_STEP_SECONDS = 60
RUN_SECONDS = 180
SCHEDULE_SECONDS = 90


def main() -> int:
    """Prove the chain and print the measurements; 1, and why, when a link did not hold."""
    parser = argparse.ArgumentParser(description="Prove the whole chain.")
    parser.add_argument("--setup-seconds", type=float, default=0.0)
    options = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _exit)
    started = time.monotonic()
    try:
        with throwaway_system() as system:
            client = _start(system)
            start_seconds = time.monotonic() - started
            say(f"started on {system.web_url}, {start_seconds:.1f} s")
            report, broken = _prove(system, client)
    except (ApiError, CommandFailedError, NoFreePortError, PartFailedError) as error:
        say(str(error))
        return 1
    measured = {"setup": options.setup_seconds, "start": round(start_seconds, 1)}
    report["seconds"] = {**measured, **report["seconds"]}
    for line in broken:
        say(f"BROKEN: {line}")
    say(json.dumps(report))
    return 1 if broken else 0


def _exit(_number: int, _frame: FrameType | None) -> None:
    sys.exit(1)  # unwinds the throw-away system


def _start(system: LocalSystem) -> ApiClient:
    """Start every part and return a client with a fresh API key."""
    key = system.accounts("ensure")["key"]
    system.start_site()
    system.manage("demo", "prepare", "--site-url", system.site_url)
    system.start()
    return ApiClient(system.web_url, key)


def _prove(system: LocalSystem, client: ApiClient) -> tuple[dict[str, Any], list[str]]:
    """Return what was measured, and one line for each link that did not hold."""
    triggered = time.monotonic()
    params = {"base_url": system.site_url}
    run_id = client.post("/runs", {"automation": AUTOMATION, "params": params})["id"]
    say(f"run {run_id} requested over the API")
    client.wait(
        lambda: next(client.items(f"/runs/{run_id}/steps"), None),
        seconds=FIRST_STEP_SECONDS,
        what=f"the first step of run {run_id}",
    )
    first_step_seconds = time.monotonic() - triggered
    say(f"first step after {first_step_seconds:.1f} s")
    run = client.wait_for_run(run_id, seconds=RUN_SECONDS)
    run_seconds = time.monotonic() - triggered
    steps = list(client.items(f"/runs/{run_id}/steps"))
    say(f"run {run['state']} after {run_seconds:.1f} s, {len(steps)} steps")
    artifacts, unreadable = _read_artifacts(client, run_id)
    numbers = _numbers(client, run_id) if run["state"] == "succeeded" else []
    say(f"{len(artifacts)} artifacts read back, result with {len(numbers)} rows")
    report = {
        "run_id": run_id,
        "state": run["state"],
        "steps": len(steps),
        "artifacts": artifacts,
        "rows": len(numbers),
        "seconds": {
            "trigger_to_first_step": round(first_step_seconds, 2),
            "run": round(run_seconds, 2),
        },
    }
    kinds = {artifact["kind"] for artifact in artifacts}
    links = {
        f"the run ended {run['state']}: {run.get('failure')}": run["state"] == "succeeded",
        f"{len(steps)} steps, fewer than {LEAST_STEPS}": len(steps) >= LEAST_STEPS,
        f"{len(numbers)} rows, not {EXPECTED_ROWS}": len(numbers) == EXPECTED_ROWS,
        "the rows are not the site's own": sorted(numbers) == _truth(system),
        f"only these kinds of artifacts: {', '.join(sorted(kinds))}": len(kinds) >= LEAST_KINDS,
        f"artifacts whose content is not what was stored: {', '.join(unreadable)}": not unreadable,
        f"no schedule fired within {SCHEDULE_SECONDS} s": _schedule_fired(client),
    }
    return report, [line for line, held in links.items() if not held]


def _read_artifacts(client: ApiClient, run_id: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Return (kind, bytes) of every artifact, and the ids of those whose content is not what was stored."""
    artifacts, unreadable = [], []
    for item in client.items(f"/runs/{run_id}/artifacts"):
        if item["missing_reason"]:
            say(f"a {item['kind']} could not be captured: {item['missing_reason']}")
            continue
        content = client.content(f"/artifacts/{item['id']}/content")
        artifacts.append({"kind": item["kind"], "bytes": len(content)})
        if not content or hashlib.sha256(content).hexdigest() != item["sha256"]:
            unreadable.append(item["id"])
    return artifacts, unreadable


def _numbers(client: ApiClient, run_id: str) -> list[str]:
    """Return the invoice numbers of the run's result."""
    return [row["number"] for row in client.get(f"/runs/{run_id}/result")["invoices"]]


def _truth(system: LocalSystem) -> list[str]:
    """Return the invoice numbers the practice site itself knows."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{system.site_url}/_truth", timeout=10) as response:
        return sorted(invoice["number"] for invoice in json.load(response)["invoices"])


def _schedule_fired(client: ApiClient) -> bool:
    """Wait for an occurrence that started a run; False when there is none in time."""

    def fired() -> str | None:
        for schedule in client.items("/schedules"):
            for occurrence in client.items(f"/schedules/{schedule['id']}/occurrences"):
                if occurrence["state"] == "fired" and occurrence["run"]:
                    return str(occurrence["run"])
        return None

    try:
        run_id = client.wait(fired, seconds=SCHEDULE_SECONDS, what="a schedule to fire")
    except ApiError as error:
        say(str(error))
        return False
    say(f"schedule fired, run {run_id}")
    return True


if __name__ == "__main__":
    sys.exit(main())
