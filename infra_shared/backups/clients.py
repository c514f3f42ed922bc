"""PostgreSQL's own programs, and how they reach the database of this process."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db import connection

from infra_shared.backups.errors import BackupError

if TYPE_CHECKING:
    from collections.abc import Sequence

_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
_TOLD_LINES = 5
# Of how this process is connected, what every release of the client understands; ours may be newer than theirs.
_PARAMETERS = frozenset(
    {"host", "hostaddr", "port", "user", "sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "options"}
)


def run_client(name: str, *arguments: str | Path, pg_bin: Path | None = None) -> None:
    """Run `pg_dump` or `pg_restore` on this database; BackupError holds what it complained of.

    The password goes by the environment, never by the arguments, which everybody on the machine can read.
    """
    program = find_client(name, pg_bin=pg_bin)
    connection.ensure_connection()
    about = connection.connection.info
    known = {name: value for name, value in about.get_parameters().items() if name in _PARAMETERS}
    parameters = {**known, "dbname": about.dbname}
    words = " ".join(f"{key}='{_escaped(value)}'" for key, value in sorted(parameters.items()))
    password = {"PGPASSWORD": about.password} if about.password else {}
    done = subprocess.run(  # noqa: S603 - PostgreSQL's own program, with arguments made here
        [program, f"--dbname={words}", "--no-password", *arguments],
        env={**os.environ, **password},  # noqa: TID251 - handed on whole, not read
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        complaint = " ".join(done.stderr.strip().splitlines()[-_TOLD_LINES:])
        raise BackupError(f"{program} failed with {done.returncode}: {complaint}")


def find_client(name: str, *, pg_bin: Path | None = None) -> Path:
    """The program of the server's own release, or else the newest one; BackupError when all are older than the server."""
    least = server_major()
    found = {major: path for path in _candidates(name, pg_bin) if (major := _major(path)) >= least}
    if not found:
        where = pg_bin or "PATH or the usual folders"
        raise BackupError(
            f"No {name} of PostgreSQL {least} or newer was found in {where}. Install the client of the server's release "
            f"(Debian: apt-get install postgresql-client-{least}), or name its folder with --pg-bin."
        )
    return found[least] if least in found else found[max(found)]


def server_major() -> int:
    """The release of the server."""
    connection.ensure_connection()
    version: Any = connection.connection.info.server_version
    return int(version) // 10_000


def _candidates(name: str, pg_bin: Path | None) -> Sequence[Path]:
    if pg_bin is not None:
        return [pg_bin / name]
    on_path = shutil.which(name)
    known = [path / name for pattern in _FOLDERS for path in Path("/").glob(pattern.lstrip("/"))]
    return [*known, *([Path(on_path)] if on_path else [])]


def _major(program: Path) -> int:
    """The release of a program; 0 when it does not run."""
    try:
        answer = subprocess.run(  # noqa: S603 - a program found in PostgreSQL's folders, or named by who calls
            [program, "--version"], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return 0
    number = re.search(r"(\d+)", answer.stdout)
    return int(number[1]) if number else 0


def _escaped(value: object) -> str:
    return str(value).replace("\\", "\\\\").replace("'", "\\'")
