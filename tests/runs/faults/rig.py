"""A whole system that is there to be broken: asked over its API, broken from outside."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import psutil

from config.local.postgres import PostgresServer
from config.local.system import throwaway_system
from infra_shared.clock import monotonic
from tests.support.families import children_of, name_of, words_of
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from config.local.system import LocalSystem

TERMINAL = frozenset({"succeeded", "failed", "timed_out", "cancelled", "expired"})
RUN_SECONDS = 90.0


@dataclass(frozen=True)
class Rig:
    """A running system, its database, and the secrets its automations type.

    Attributes:
        server: the PostgreSQL of this system alone; None on SQLite.
        secrets: fields of the credential `canary`, each found nowhere else in the world.
    """

    system: LocalSystem
    api: httpx.Client
    server: PostgresServer | None
    secrets: dict[str, str]
    lease_seconds: float
    processes: int

    @property
    def sqlite_path(self) -> Path:
        """The file of the embedded database."""
        return self.system.folder / "automation.sqlite3"

    @property
    def artifacts(self) -> Path:
        """The folder of the artifacts' bytes."""
        return self.system.folder / "artifacts"

    def ask(self, automation: str, *, evidence_level: str | None = None, **params: Any) -> str:
        """Request a run against the practice site and return its id."""
        body = {
            "automation": automation,
            "params": {"base_url": self.system.site_url, **params},
            "evidence_level": evidence_level,
        }
        answer = self.api.post("/runs", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def run(self, run_id: str) -> dict[str, Any]:
        """The run as the API tells it."""
        return dict(self.api.get(f"/runs/{run_id}").raise_for_status().json())

    def all_of(self, run_id: str, what: str) -> list[dict[str, Any]]:
        """The run's attempts, steps, artifacts or transitions."""
        answer = self.api.get(f"/runs/{run_id}/{what}", params={"limit": 200}).raise_for_status().json()
        assert answer["next_cursor"] is None
        return list(answer["items"])

    def ended(self, run_id: str, seconds: float = RUN_SECONDS) -> dict[str, Any]:
        """The run, once it ended; it must have ended exactly once."""
        wait_until(
            lambda: self.run(run_id)["state"] in TERMINAL, seconds, what="the run's end", poll_seconds=0.2
        )
        ends = [
            move["to_state"]
            for move in self.all_of(run_id, "transitions")
            if move["attempt"] is None and move["to_state"] in TERMINAL
        ]
        run = self.run(run_id)
        assert ends == [run["state"]]
        return run

    def open_step(self, run_id: str, index: int) -> dict[str, Any]:
        """A step of the first attempt, once it was begun; it must not have ended."""
        steps = wait_until(
            lambda: self.all_of(run_id, "steps")[index - 1 :],
            RUN_SECONDS,
            what=f"step {index}",
            poll_seconds=0.1,
        )
        assert steps[0]["succeeded"] is None
        return steps[0]

    def worker_of(self, run_id: str, attempt: int = 1) -> psutil.Process:
        """The worker process that holds or held an attempt."""
        return psutil.Process(int(self.all_of(run_id, "attempts")[attempt - 1]["worker"].split()[-1]))

    def browser(self) -> list[psutil.Process]:
        """Every process of the browser that the node's worker processes share, its server left out."""
        family = psutil.Process(self.system.node.pid).children(recursive=True)
        return [process for process in family if "chrom" in name_of(process)]

    def strike(self, *faults: str, seed: int | None = None) -> None:
        """Switch the practice site's faults; none ends them."""
        order = {"faults": faults, "seed": seed}
        httpx.post(f"{self.system.site_url}/_control/faults", json=order, trust_env=False).raise_for_status()

    def truth(self) -> dict[str, Any]:
        """What the practice site itself knows."""
        return dict(httpx.get(f"{self.system.site_url}/_truth", trust_env=False).raise_for_status().json())

    def may_reap(self) -> bool:
        """Whether the dispatcher has stood for a lease, as it must before it ends anything as lost."""
        node = psutil.Process(self.system.node.pid)
        started = [child.create_time() for child in children_of(node) if "dispatcher" in words_of(child)]
        return bool(started) and time.time() > started[0] + self.lease_seconds + STARTING_SECONDS

    @contextlib.contextmanager
    def database_away(self) -> Iterator[None]:
        """PostgreSQL stopped, or SQLite's write lock held."""
        if self.server is None:
            with contextlib.closing(sqlite3.connect(self.sqlite_path, timeout=30)) as holder:
                holder.isolation_level = None
                holder.execute("BEGIN IMMEDIATE")
                yield
            return
        self.server.stop()
        try:
            yield
        finally:
            self.server.start()

    @contextlib.contextmanager
    def database_frozen(self) -> Iterator[None]:
        """PostgreSQL stopped by SIGSTOP: it neither answers nor refuses."""
        assert self.server is not None
        server = psutil.Process(self.server.pid)
        family = [server, *server.children(recursive=True)]
        for process in family:
            process.suspend()
        try:
            yield
        finally:
            for process in family:
                process.resume()

    def answers_for(self, seconds: float) -> tuple[list[httpx.Response], list[httpx.Response]]:
        """What the API and the liveness address answer, asked in turn for so long."""
        told, alive, until = [], [], monotonic() + seconds
        while monotonic() < until:
            told.append(self.api.get("/runs"))
            alive.append(httpx.get(f"{self.system.web_url}/healthz", trust_env=False))
        return told, alive


STARTING_SECONDS = 3.0
"""Generous: how long the dispatcher's process may take until its first tick."""


@contextlib.contextmanager
def rig(database: str, secrets: dict[str, str], *, lease_seconds: int, processes: int = 2) -> Iterator[Rig]:
    """Yield a started system of one's own; nothing of it is left afterwards."""
    with contextlib.ExitStack() as stack:
        server = None
        settings: dict[str, Any] = {
            "AUTOMATION_MODULES": "tests.runs.faults.automations",
            "LEASE_SECONDS": str(lease_seconds),
            "WORKER_PROCESSES": str(processes),
            "STOP_GRACE_SECONDS": "10",
            "API_RATE_PER_MINUTE": "100000",
            "REQUEST_DEADLINE_SECONDS": "3",
            "PRACTICE_PASSWORD": secrets["password"],
            "RIG_SECRETS": json.dumps(secrets),
        }
        if database == "postgres":
            server = PostgresServer()
            stack.callback(server.remove)
            server.start()
            settings["DATABASE_URL"] = server.create_database("main")
        system = stack.enter_context(throwaway_system(database="sqlite", **settings))
        key = system.python("-m", "tests.runs.faults.prepare").strip()
        system.start_site()
        system.start()
        api = stack.enter_context(
            httpx.Client(
                base_url=f"{system.web_url}/api/v1",
                headers={"X-API-Key": key},
                timeout=60,
                trust_env=False,
                # A kept connection may be closed by the server in the moment it is used again.
                limits=httpx.Limits(max_keepalive_connections=0),
            )
        )
        broken = Rig(system, api, server, secrets, lease_seconds, processes)
        wait_until(broken.may_reap, 60, what="the dispatcher's first lease", poll_seconds=0.2)
        wait_until(
            lambda: api.get("/automations").json()["items"],
            60,
            what="the node's automations",
            poll_seconds=0.2,
        )
        yield broken
