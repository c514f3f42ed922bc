"""The system that is struck: database, site, web, nodes and dispatchers, each kept alive as an init system would."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import psutil

from benchmarks._chaos.database import NAME, PostgresDatabase, SqliteDatabase
from config.env import BASE_DIR
from config.local.postgres import PostgresServer
from config.local.processes import Part
from config.local.system import LocalSystem, throwaway_system
from infra_shared.clock import monotonic, sleep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks._chaos.database import Database

LEASE_SECONDS = 8
LEAVING_SECONDS = 90.0
DYING_SECONDS = 4.0
"""How long what stood below a killed process may take to follow it: the kernel's own signal, and a browser's exit."""
POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Shape:
    """How much of everything there is."""

    database: Literal["postgres", "sqlite"]
    nodes: int
    processes: int


@dataclass
class Keeper:
    """One part, started again when it ended; what outlived it by too long is counted, then ended."""

    part: Part
    survivors: list[str] = field(default_factory=list)
    _ended_at: float | None = None

    def tend(self) -> None:
        """Start the part again if it ended a while ago."""
        if self.part.pid is not None:
            self._ended_at = None
        elif self._ended_at is None:
            self._ended_at = monotonic()
        elif monotonic() - self._ended_at > DYING_SECONDS:
            self.note_survivors()
            self.part.start()
            self._ended_at = None

    def note_survivors(self) -> None:
        """Count every process of the part that is still there, and end it."""
        self.survivors += [words_of(process) for process in self.part.family() if is_alive(process)]
        self.part.kill()


@dataclass
class ChaosSystem:
    """Everything that runs.

    Attributes:
        private: the folder its processes take for temporary files; nothing else writes there.
    """

    local: LocalSystem
    database: Database
    private: Path
    nodes: list[Keeper]
    dispatchers: list[Keeper]

    def start(self) -> None:
        """Start nodes, dispatchers and web, and return when web answers."""
        for keeper in self._keepers():
            keeper.part.start()
        self.local.web.start()
        self.local.web.wait_until_ready(120)

    def tend(self) -> None:
        """Start again what has ended."""
        for keeper in self._keepers():
            keeper.tend()
        self.local.web.tend()

    def tree(self) -> list[psutil.Process]:
        """Every process of the nodes and dispatchers, in an order that chance may pick from."""
        found: list[psutil.Process] = []
        for keeper in self._keepers():
            if keeper.part.pid is not None:
                with contextlib.suppress(psutil.NoSuchProcess):
                    outermost = psutil.Process(keeper.part.pid)
                    found += [outermost, *outermost.children(recursive=True)]
        return [process for process in found if is_alive(process)]

    def leave(self) -> list[str]:
        """Ask nodes and dispatchers to end; what is left of them, now and of earlier deaths: processes and folders."""
        for keeper in self._keepers():
            keeper.part.terminate()
        wait(lambda: not any(keeper.part.pid for keeper in self._keepers()), LEAVING_SECONDS)
        wait(lambda: not any(any(keeper.part.family()) for keeper in self._keepers()), DYING_SECONDS)
        for keeper in self._keepers():
            keeper.note_survivors()
        processes = [name for keeper in self._keepers() for name in keeper.survivors]
        return [*processes, *self._folders_left()]

    def _folders_left(self) -> list[str]:
        base = self.private / f"webgraph-{os.getuid()}"
        left = [path for path in self.private.iterdir() if path != base]
        return [str(path) for path in [*left, *(base.iterdir() if base.exists() else [])]]

    def _keepers(self) -> list[Keeper]:
        return [*self.nodes, *self.dispatchers]


@contextlib.contextmanager
def chaos_system(shape: Shape, *, skews_seconds: tuple[int, ...], logs: Path | None) -> Iterator[ChaosSystem]:
    """Yield a migrated system with its site running and nothing else started; all of it goes away.

    Args:
        shape: how much of everything.
        skews_seconds: for each dispatcher how wrong its wall clock is.
        logs: a folder that is given the logs at the end.
    """
    with contextlib.ExitStack() as stack:
        private = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chaos-")))
        settings: dict[str, Any] = {
            "AUTOMATION_MODULES": "benchmarks._chaos.automations",
            "LEASE_SECONDS": str(LEASE_SECONDS),
            "WORKER_PROCESSES": str(shape.processes),
            "CHORES_PROCESSES": "1",
            "STOP_GRACE_SECONDS": "10",
            "REQUEST_DEADLINE_SECONDS": "5",
            "API_RATE_PER_MINUTE": "100000",
            "LOG_LEVEL": "INFO",
            "TMPDIR": str(private),
        }
        server = None
        if shape.database == "postgres":
            server = PostgresServer()
            stack.callback(server.remove)
            server.start()
            settings["DATABASE_URL"] = server.create_database(NAME)
        local = stack.enter_context(throwaway_system(database="sqlite", **settings))
        if logs is not None:
            stack.callback(shutil.copytree, local.folder / "log", logs, dirs_exist_ok=True)
        database: Database = (
            PostgresDatabase(server) if server else SqliteDatabase(local.folder / "automation.sqlite3")
        )
        nodes = [_node(local, number) for number in range(shape.nodes)]
        dispatchers = [_dispatcher(local, number, skew) for number, skew in enumerate(skews_seconds)]
        system = ChaosSystem(local, database, private, nodes, dispatchers)
        stack.callback(_end, system)
        local.start_site()
        yield system


def wait(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether the condition came true within so many seconds."""
    until = monotonic() + seconds
    while not condition():
        if monotonic() > until:
            return False
        sleep(POLL_SECONDS)
    return True


def is_alive(process: psutil.Process) -> bool:
    """Whether it is there and not only waits to be buried."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def words_of(process: psutil.Process) -> str:
    """The process with its command line, as far as it is still there."""
    try:
        return f"{process.pid} {' '.join(process.cmdline())[:160]}"
    except psutil.Error:
        return str(process.pid)


def _end(system: ChaosSystem) -> None:
    for keeper in (*system.nodes, *system.dispatchers):
        keeper.part.kill()


def _node(local: LocalSystem, number: int) -> Keeper:
    # The dispatchers stand beside the nodes, where their clocks can be wrong on their own.
    return _kept(local, f"node-{number}", [str(BASE_DIR / "manage.py"), "worker", "--no-dispatcher"])


def _dispatcher(local: LocalSystem, number: int, skew_seconds: int) -> Keeper:
    command = ["-m", "benchmarks._chaos.skewed", str(skew_seconds), "dispatcher"]
    return _kept(local, f"dispatcher-{number}", command)


def _kept(local: LocalSystem, name: str, command: list[str]) -> Keeper:
    log = local.folder / "log" / f"{name}.log"
    return Keeper(Part(name, [sys.executable, *command], local.environment, log))
