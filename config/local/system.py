"""The whole system on this machine: practice site, web, one worker node and, where asked for, the edge Worker.

`make run` keeps it running; proofs, benchmarks and tests start a throw-away one (`throwaway_system`).
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from config.env import BASE_DIR
from config.local import worker
from config.local.environment import new_keys, without_settings
from config.local.postgres import PostgresServer
from config.local.processes import Part, free_port, stop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

COMMAND_SECONDS = 300
START_SECONDS = 60
NODE_GRACE_SECONDS = 20


class CommandFailedError(Exception):
    """A command of the system failed; the message holds what it printed."""


@dataclass(kw_only=True)
class LocalSystem:
    """Practice site, web and worker node of one folder, on loopback ports, and the edge Worker where it has one.

    Attributes:
        folder: holds the logs, and the data unless the settings say otherwise.
        base_environment: what its processes inherit, settings included.
        development: the node restarts itself when code changes.
        edge_port: the edge Worker's; None for a system without one.
    """

    folder: Path
    base_environment: Mapping[str, str]
    web_port: int = field(default_factory=free_port)
    site_port: int = field(default_factory=free_port)
    development: bool = False
    edge_port: int | None = None

    def __post_init__(self) -> None:
        self.site = self._part(
            "practice site",
            ["-m", "webgraph.practice_site", "--port", str(self.site_port)],
            ready_url=f"{self.site_url}/",
        )
        serve = [
            "-m",
            "uvicorn",
            "config.asgi:application",
            "--host",
            "127.0.0.1",
            "--no-access-log",
            "--no-proxy-headers",  # TRUSTED_PROXIES alone decides whose X-Forwarded-For counts
        ]
        self.web = self._part(
            "web",
            [*serve, "--port", str(self.web_port), "--timeout-graceful-shutdown", "3"],
            ready_url=f"{self.web_url}/healthz",
        )
        self.node = self._part(
            "worker node",
            ["manage.py", "worker", *(["--reload"] if self.development else [])],
            grace_seconds=NODE_GRACE_SECONDS,
        )
        self.edge = self._edge()

    @property
    def web_url(self) -> str:
        """Address of web: the console and the API."""
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def site_url(self) -> str:
        """Address of the practice site."""
        return f"http://127.0.0.1:{self.site_port}"

    @property
    def edge_url(self) -> str:
        """Address of the edge Worker; empty where there is none."""
        return f"http://127.0.0.1:{self.edge_port}" if self.edge_port else ""

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every process of this system."""
        return {
            "PUBLIC_URL": self.web_url,
            "BROWSER_ALLOW_PRIVATE": f"127.0.0.1:{self.site_port}",
            **self.base_environment,
            **({"EDGE_WORKER_URL": self.edge_url} if self.edge_port else {}),
        }

    def start_site(self) -> None:
        """Start the practice site and return when it answers."""
        self.site.start()
        self.site.wait_until_ready(START_SECONDS)

    def start(self) -> None:
        """Start the node and web, and return when web answers."""
        self.node.start()
        self.web.start()
        self.web.wait_until_ready(START_SECONDS)

    def start_edge(self) -> None:
        """Start the edge Worker, where there is one, and tell it the sources. Web must answer already."""
        if self.edge is None:
            return
        self.edge.start()
        self.edge.wait_until_ready(worker.START_SECONDS)
        self.manage("edge", "sync")

    def give_up_edge(self) -> None:
        """End the edge Worker for good; the rest goes on without it."""
        if self.edge is not None:
            self.edge.kill()
        self.edge = self.edge_port = None

    def tend(self) -> list[str]:
        """Start again what has ended, as an init system would; return one line for each thing done."""
        return [line for part in self._parts() if (line := part.tend())]

    def stop(self, *, hurry: Callable[[], bool] = lambda: False) -> None:
        """End everything: the node first, so that its last writes find the rest alive; the edge before its origin."""
        stop(self._parts(), hurry=hurry)

    def manage(self, *arguments: str) -> str:
        """Run a management command and return what it printed.

        Raises:
            CommandFailedError: its exit code was not 0.
        """
        return self.python("manage.py", *arguments)

    def accounts(self, action: str) -> dict[str, Any]:
        """Run one action of `config.local.accounts` and return its answer."""
        answer = json.loads(self.python("-m", "config.local.accounts", action, "--json"))
        return dict(answer)

    def python(self, *arguments: str) -> str:
        """Run a Python program of the project in this system's environment and return what it printed.

        Raises:
            CommandFailedError: its exit code was not 0.
        """
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=BASE_DIR,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            printed = f"{done.stdout}\n{done.stderr}".strip()
            raise CommandFailedError(f"`{' '.join(arguments)}` failed:\n{printed[-3000:]}")
        return done.stdout

    def _parts(self) -> list[Part]:
        edge = [] if self.edge is None else [self.edge]
        return [self.node, *edge, self.web, self.site]

    def _edge(self) -> Part | None:
        if self.edge_port is None:
            return None
        return worker.worker_part(
            folder=self.folder / "edge",
            port=self.edge_port,
            origin_url=self.web_url,
            environment=self.environment,
            log=self.folder / "log" / "edge-worker.log",
        )

    def _part(self, name: str, command: list[str], **options: Any) -> Part:
        log = self.folder / "log" / f"{name.replace(' ', '-')}.log"
        return Part(name, [sys.executable, *command], self.environment, log, **options)


@contextlib.contextmanager
def throwaway_system(
    *, database: Literal["sqlite", "postgres"] = "sqlite", edge: bool = False, **settings: str
) -> Iterator[LocalSystem]:
    """Yield a migrated system in a temporary folder, on free ports, with nothing started yet; all of it goes away.

    Args:
        database: SQLite in the folder, or a PostgreSQL server of its own.
        edge: with an edge Worker (`start_edge`), which needs Node.
        settings: further environment variables (`WORKER_PROCESSES="4"`).
    """
    with contextlib.ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="orchestrator-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        url = ""
        if database == "postgres":
            server = PostgresServer()
            stack.callback(server.remove)
            server.start()
            url = server.create_database("main")
        own = {
            "ENV_FILE": "",
            "DATA_DIR": str(folder),
            "DATABASE_URL": url,
            "DEBUG": "false",
            **new_keys(),
        }
        environment = {**without_settings(), **own, **settings}
        port = free_port() if edge else None
        system = LocalSystem(folder=folder, base_environment=environment, edge_port=port)
        stack.callback(system.stop)
        system.manage("migrate", "--verbosity", "0")
        yield system
