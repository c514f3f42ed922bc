"""An installation as docs/deploy.md describes it: its unit files, its environment file, and a visitor behind its proxy."""

from __future__ import annotations

import http.client
import json
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from config.env import BASE_DIR
from config.local.environment import without_settings
from config.local.processes import Part

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DEPLOY = BASE_DIR / "docs" / "deploy"
PAGE = BASE_DIR / "docs" / "deploy.md"
HOST = "console.example.com"
REQUEST_SECONDS = 30


def unit(name: str) -> dict[str, list[str]]:
    """The directives of a unit file, each with its values in order."""
    found: dict[str, list[str]] = {}
    for line in (DEPLOY / f"orchestrator-{name}.service").read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def made_keys() -> str:
    """What the page's command for keys appends to the environment file."""
    (command,) = re.findall(r"```sh\n(\{\n.*?\n\})", PAGE.read_text(), re.DOTALL)
    done = subprocess.run(["bash", "-euc", command], capture_output=True, text=True, check=True)
    return done.stdout


@dataclass(frozen=True)
class Installation:
    """The unit files with other paths and ports, and nothing else changed.

    `substitutes` are replaced in command lines and in the environment file; `more` are lines added to the latter, as an
    engineer would.
    """

    folder: Path
    substitutes: Mapping[str, str]
    more: Mapping[str, str]

    def prepare(self) -> None:
        """Write the environment file."""
        written = self._replaced((DEPLOY / "orchestrator.env").read_text())
        added = "".join(f"{name}={value}\n" for name, value in self.more.items())
        self._file.write_text(written + made_keys() + added)
        self._file.chmod(0o640)

    @property
    def environment(self) -> dict[str, str]:
        """What a unit's process gets: EnvironmentFile, read as systemd reads such lines, and what every process has."""
        lines = [line for line in self._file.read_text().splitlines() if line and not line.startswith("#")]
        own = dict(line.split("=", 1) for line in lines)
        around = {
            name: value for name, value in without_settings().items() if name in ("PATH", "HOME", "LANG")
        }
        return {**around, **own}

    def commands(self, name: str, directive: str = "ExecStart") -> list[list[str]]:
        """The command lines of a unit."""
        return [shlex.split(self._replaced(line)) for line in unit(name)[directive]]

    def part(self, name: str) -> Part:
        """A unit that runs, not started yet."""
        (command,) = self.commands(name)
        (seconds,) = unit(name)["TimeoutStopSec"]
        log = self.folder / f"{name}.log"
        return Part(name, command, self.environment, log, grace_seconds=float(seconds))

    def run(self, command: list[str]) -> str:
        """What a command prints in the environment of the units; its failure fails the test."""
        done = subprocess.run(
            command, cwd=BASE_DIR, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def manage(self, *words: str) -> str:
        """What a management command prints, called as the page does."""
        return self.run([sys.executable, "manage.py", *words])

    @property
    def _file(self) -> Path:
        return self.folder / "orchestrator.env"

    def _replaced(self, text: str) -> str:
        for before, after in self.substitutes.items():
            text = text.replace(before, after)
        return text


@dataclass(frozen=True)
class Visitor:
    """Somebody whose requests the proxy hands on to web."""

    port: int
    key: str = ""

    def ask(self, path: str, body: object = None) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers (small letters) and bytes of an answer; OSError when nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=REQUEST_SECONDS)
        headers = {"Host": HOST, "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}
        if self.key:
            headers |= {"X-API-Key": self.key, "Content-Type": "application/json"}
        try:
            sent = None if body is None else json.dumps(body)
            connection.request("GET" if body is None else "POST", path, sent, headers)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def json(self, path: str, body: object = None) -> Any:
        """The JSON of a successful answer of the API."""
        status, _, content = self.ask(f"/api/v1{path}", body)
        assert status in (200, 201), content
        return json.loads(content)

    def is_answered(self) -> bool:
        """Whether web answers."""
        try:
            return self.ask("/healthz")[0] == http.HTTPStatus.OK
        except OSError:
            return False
