"""`make run`: the whole system on this machine, until Ctrl-C.

Web, one worker node, the practice site and, where Node is installed, the edge Worker, with a demo that has something
to show. The data stays in `var/`: the next run goes on with it.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from config import env
from config.local import worker
from config.local.environment import load_environment
from config.local.processes import NoFreePortError, PartFailedError, free_port, inherited
from config.local.system import CommandFailedError, LocalSystem
from config.local.terminal import Phases, say
from infra_shared.clock import sleep

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType
    from typing import TextIO

WEB_PORT = 8000
SITE_PORT = 8001
ADDRESSES = "addresses.json"
TEND_SECONDS = 0.5
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequests:
    """Counts the signals that ask this program to end: one stops in good order, a second one at once.

    A terminal that was closed asks, too, even where its signal does not arrive: `make` as the session's first process
    gets it in our place, and waits for us.
    """

    def __init__(self) -> None:
        self.count = 0
        self._has_terminal = os.isatty(0)
        for number in STOP_SIGNALS:
            signal.signal(number, self._note)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1

    @property
    def any(self) -> bool:
        """Whether this program should end."""
        return self.count > 0 or (self._has_terminal and not os.isatty(0))

    @property
    def hurry(self) -> bool:
        """Whether somebody asked twice."""
        return self.count > 1


class AlreadyRunningError(Exception):
    """Another `make run` uses the same data."""


class StoppedEarly(Exception):  # noqa: N818 - an order, not an error
    """Somebody asked to stop while the system was still starting."""


def main() -> int:
    """Start everything, keep it running until a signal, stop everything; 1 when it could not be started."""
    parser = argparse.ArgumentParser(description="Run the system on this machine.")
    parser.add_argument("--setup-seconds", default="0")
    parser.parse_args()
    requests = StopRequests()
    load_environment()
    folder = env.read("DATA_DIR")
    try:
        lock = _only_one(folder)
        web_port = free_port(WEB_PORT)
        site_port = free_port(SITE_PORT if web_port < SITE_PORT else web_port + 1)
        no_edge = worker.problem(inherited({}))
        edge_port = None if no_edge else free_port(worker.PORT)
    except (NoFreePortError, AlreadyRunningError) as error:
        say(str(error))
        return 1
    for wanted, got in ((WEB_PORT, web_port), (SITE_PORT, site_port), (worker.PORT, edge_port)):
        if got and wanted != got:
            say(f"Port {wanted} is taken; using {got}.")
    system = LocalSystem(
        folder=folder,
        base_environment=inherited({}),
        web_port=web_port,
        site_port=site_port,
        development=True,
        edge_port=edge_port,
    )
    addresses = folder / ADDRESSES  # so that commands in another terminal find this system
    if no_edge:
        say(f"The edge Worker is not started: {no_edge}. Everything else works without it.")
    try:
        accounts = _start(system, requests)
        addresses.write_text(json.dumps({"web": system.web_url, "edge": system.edge_url}))
        _welcome(system, accounts)
        _keep_running(system, requests)
    except (CommandFailedError, PartFailedError) as error:
        # A terminal's Ctrl-C reaches the command in the foreground as well: then its failure is the stop itself.
        if not requests.any:
            say(str(error))
            return 1
    except StoppedEarly:
        pass
    finally:
        addresses.unlink(missing_ok=True)
        say("\nStopping … (Ctrl-C again: at once)")
        system.stop(hurry=lambda: requests.hurry)
        say("Stopped. `make run` goes on with the same data.")
        lock.close()
    return 0


def _only_one(folder: Path) -> TextIO:
    """Hold this folder for this process: a second system on the same data would move the demo to its own site.

    Raises:
        AlreadyRunningError: another `make run` holds it. The kernel lets go of the lock when its holder ends.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = (folder / "run.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise AlreadyRunningError(
            f"`make run` is running already with the data in {folder}. Stop it first, or set DATA_DIR."
        ) from error
    return lock


def _start(system: LocalSystem, requests: StopRequests) -> dict[str, Any]:
    """Bring the data up to date and start the parts; return what `accounts ensure` created."""
    accounts: dict[str, Any] = {}
    steps = (
        ("database", lambda: system.manage("migrate", "--verbosity", "0")),
        ("operator and API key", lambda: accounts.update(system.accounts("ensure"))),
        ("practice site", system.start_site),
        ("demo", lambda: _prepare_demo(system)),
        ("web and worker node", system.start),
        ("edge worker", lambda: _start_edge(system)),
    )
    phases = Phases(len(steps))
    for name, work in steps:
        with phases.phase(name):
            work()
        if requests.any:
            raise StoppedEarly
    return accounts


def _prepare_demo(system: LocalSystem) -> None:
    system.manage("demo", "prepare", "--site-url", system.site_url)
    system.manage("hooks", "demo", "--site-url", system.site_url)


def _start_edge(system: LocalSystem) -> None:
    """Start the edge Worker; where it does not run, say so and go on without it."""
    try:
        system.start_edge()
    except (CommandFailedError, PartFailedError) as error:
        system.give_up_edge()
        say(f"not started, everything else works without it. {error}")


def _keep_running(system: LocalSystem, requests: StopRequests) -> None:
    while not requests.any:
        for line in system.tend():
            say(line)
        sleep(TEND_SECONDS)


def _welcome(system: LocalSystem, accounts: dict[str, Any]) -> None:
    """Say where everything is and what to try first; secrets only when they were made just now."""
    operator, password, key = (accounts[name] for name in ("operator", "password", "key"))
    say(f"""
Console        {system.web_url}/
Sign in as     {operator}   {f"password {password}" if password else "(forgotten? make password)"}
API key        {key or "issued before (another one: make key)"}
Practice site  {system.site_url}/   what the demo automations work on
Edge Worker    {f"{system.edge_url}/hooks/SOURCE   where webhooks are sent" if system.edge else "not started"}
Logs           {system.folder / "log"}

Try this:
  1. Sign in and open Runs: practice-invoices runs every 15 minutes; with new data, at once.
     Beside it is a run that failed because the site's layout had changed: its page shows what it saw.
  2. Run an automation on a page of your choice and look at what it kept:
     curl -X POST {system.web_url}/api/v1/runs -H "X-API-Key: {key or "YOUR-KEY"}" \\
       -H "Content-Type: application/json" \\
       -d '{{"automation": "page-snapshot", "params": {{"url": "{system.site_url}/"}}}}'
  3. Send a webhook as GitHub would; it starts a run, too:
     .venv/bin/python manage.py hooks send demo-github --file docs/examples/github-push.json
  4. Write your own: docs/first-automation.md

Ctrl-C stops everything.""")


if __name__ == "__main__":
    sys.exit(main())
