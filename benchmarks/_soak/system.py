"""The system that is soaked: one node with its dispatcher, web, PostgreSQL and the practice site."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks._chaos.database import NAME, PostgresDatabase
from benchmarks._chaos.system import wait
from benchmarks._soak.census import Census
from benchmarks._soak.store import INCOMING
from config.local.postgres import PostgresServer
from config.local.system import LocalSystem, throwaway_system

if TYPE_CHECKING:
    from collections.abc import Iterator

PROCESSES = 2
LEASE_SECONDS = 8
LEAVING_SECONDS = 90.0
GOING_SECONDS = 4.0
"""How long PostgreSQL may take to end the process of a connection that was closed."""
_CONNECTIONS = (
    f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{NAME}' AND pid <> pg_backend_pid() "
    "AND backend_type = 'client backend'"
)


@dataclass
class SoakSystem:
    """Everything that runs.

    Attributes:
        private: the folder its processes take for temporary files; nothing else writes there.
        census: looks at the processes of node and web.
    """

    local: LocalSystem
    database: PostgresDatabase
    private: Path
    census: Census

    @property
    def store(self) -> Path:
        """The folder of the artifacts' bytes."""
        return self.local.folder / "artifacts"

    def connections(self) -> int:
        """How many connections the database has, but for the one that asks."""
        return int(self.database.rows(_CONNECTIONS)[0][0])

    def leave(self) -> None:
        """Ask node and web to end as an init system would, and wait; what does not end is left for the census to find."""
        for part in (self.local.node, self.local.web):
            part.terminate()
        wait(lambda: not (self.local.node.pid or self.local.web.pid), LEAVING_SECONDS)

    def connections_left(self) -> int:
        """How many connections are there a moment after node and web have ended."""
        wait(lambda: not self.connections(), GOING_SECONDS)
        return self.connections()

    def data_files(self) -> set[Path]:
        """The files in DATA_DIR, without the logs and without what the store holds; unfinished uploads are among them."""
        apart = self.local.folder / "log"
        return {
            path
            for path in self.local.folder.rglob("*")
            if path.is_file()
            and not path.is_relative_to(apart)
            and (not path.is_relative_to(self.store) or path.parent.name == INCOMING)
        }

    def temporary_entries(self) -> int:
        """How many things lie in the folder for temporary files, a browser's folder with all that is in it being one."""
        return len([*self.private.iterdir(), *self.private.glob("webgraph-*/*")])

    def temporary_files(self) -> set[Path]:
        """Everything in the folder for temporary files, but for the empty folder that browsers make theirs in."""
        return {
            path
            for path in self.private.rglob("*")
            if not path.is_dir() or (path.parent != self.private and not any(path.iterdir()))
        }


@contextlib.contextmanager
def soak_system(*, logs: Path | None) -> Iterator[SoakSystem]:
    """Yield a migrated system with its site running and nothing else started; all of it goes away.

    Args:
        logs: a folder that is given the logs at the end.
    """
    with contextlib.ExitStack() as stack:
        private = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="soak-")))
        server = PostgresServer()
        stack.callback(server.remove)
        server.start()
        settings: dict[str, Any] = {
            "DATABASE_URL": server.create_database(NAME),
            "WORKER_PROCESSES": str(PROCESSES),
            "LEASE_SECONDS": str(LEASE_SECONDS),
            "STOP_GRACE_SECONDS": "10",
            "API_RATE_PER_MINUTE": "100000",
            "TMPDIR": str(private),
        }
        local = stack.enter_context(throwaway_system(**settings))
        if logs is not None:
            stack.callback(shutil.copytree, local.folder / "log", logs, dirs_exist_ok=True)
        local.start_site()
        yield SoakSystem(local, PostgresDatabase(server), private, Census([local.node, local.web]))
