"""docs/first-automation.md and docs/api.md, carried out as a reader would: in a copy of the project, with its system running.

`make run` is set-up and then `config.local.run`; set-up was done by whoever runs the tests, so the copy borrows this
virtual environment and begins with the second.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from automations.scaffold import write_automation
from config.env import BASE_DIR
from config.local.environment import new_keys, without_settings
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOCUMENT = BASE_DIR / "docs" / "first-automation.md"
API_DOCUMENT = BASE_DIR / "docs" / "api.md"
SITE_IN_DOCUMENT = "http://127.0.0.1:8001"
SERVER_IN_DOCUMENT = "http://127.0.0.1:8000"
START_SECONDS = 180
READER_SECONDS = 300
STOP_SECONDS = 60


def blocks(language: str, document: Path = DOCUMENT) -> list[str]:
    """The fenced blocks of one language, in the order a reader meets them."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", document.read_text(), re.MULTILINE | re.DOTALL)
    assert found, f"{document.name} has no {language} block"
    return found


class Reader:
    """Somebody with a copy of the project and a terminal that knows nothing of the tests' own settings."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        inherited = without_settings()
        self._environment = {
            name: value
            for name, value in inherited.items()
            if name not in {"ENV_FILE", "DJANGO_SETTINGS_MODULE"} and not name.startswith("PYTEST_")
        }
        self._printed = folder.parent / "printed"
        self._system: subprocess.Popen[bytes] | None = None

    def start_system(self) -> str:
        """Start what `make run` starts and return what it printed by the time it was up."""
        with self._printed.open("w") as output:
            self._system = subprocess.Popen(
                [sys.executable, "-m", "config.local.run"],
                cwd=self.folder,
                env=self._environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        wait_until(self._is_up, START_SECONDS, what="the last line of its welcome", poll_seconds=0.2)
        return self._printed.read_text()

    def stop_system(self) -> None:
        if self._system is not None:
            self._system.send_signal(signal.SIGINT)
            try:
                self._system.wait(STOP_SECONDS)
            finally:
                self._system.kill()  # its parts end with it

    def type(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run commands in one shell that stops at the first that fails."""
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=READER_SECONDS,
            check=False,
        )

    def states_of_scheduled_runs(self) -> set[str]:
        listed = self.type(".venv/bin/python manage.py runs list --automation read-heading --json")
        return {run["state"] for run in json.loads(listed.stdout) if run["cause"] == "schedule"}

    def _is_up(self) -> bool:
        assert self._system is not None
        assert self._system.poll() is None, self._printed.read_text()
        return "Ctrl-C stops everything" in self._printed.read_text()


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """A reader with the files of this tree, without what is ignored."""
    folder = tmp_path / "project"
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=BASE_DIR, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (BASE_DIR / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(BASE_DIR / name, folder / name)
    (folder / ".venv").symlink_to(sys.prefix)
    reader = Reader(folder)
    yield reader
    reader.stop_system()


def test_the_document_shows_the_file_that_is_written(tmp_path: Path) -> None:
    written, _ = write_automation("read-heading", root=tmp_path)

    assert blocks("python") == [written.read_text()]


@pytest.mark.slow
@pytest.mark.timeout(READER_SECONDS)
def test_the_written_files_pass_the_type_check(reader: Reader) -> None:
    written = write_automation("read-heading", root=reader.folder)
    names = " ".join(str(path.relative_to(reader.folder)) for path in written)

    # The type checker loads the settings, so it needs keys.
    keys = " ".join(f"{name}={value}" for name, value in new_keys().items())
    checked = reader.type(f"{keys} .venv/bin/python -m mypy {names}")

    assert checked.returncode == 0, checked.stdout


@pytest.mark.browser
@pytest.mark.timeout(START_SECONDS + READER_SECONDS)
def test_every_command_of_the_document_succeeds(reader: Reader) -> None:
    site = re.search(r"Practice site +(http://\S+?)/", reader.start_system())
    assert site is not None
    commands = "\n".join(blocks("sh")).replace(SITE_IN_DOCUMENT, site[1])

    terminal = reader.type(commands)

    assert terminal.returncode == 0, terminal.stdout
    assert "Succeeded." in terminal.stdout
    evidence = reader.folder / "var" / "evidence"
    kinds = {path.name.split("-")[2] for path in evidence.iterdir()}
    assert kinds == {"step_picture", "step_html", "trace", "request_log", "log"}
    assert wait_until(lambda: "succeeded" in reader.states_of_scheduled_runs(), what="the scheduled run")


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.timeout(START_SECONDS + READER_SECONDS)
def test_every_command_of_the_page_about_the_api_succeeds(reader: Reader) -> None:
    welcome = reader.start_system()
    console, site = (re.search(rf"{name} +(http://\S+?)/", welcome) for name in ("Console", "Practice site"))
    assert console is not None
    assert site is not None
    commands = "\n".join(["source .venv/bin/activate", *blocks("sh", API_DOCUMENT)])
    commands = commands.replace(SITE_IN_DOCUMENT, site[1]).replace(SERVER_IN_DOCUMENT, console[1])

    terminal = reader.type(commands)

    assert terminal.returncode == 0, terminal.stdout
    assert '"status": 200' in terminal.stdout
    assert '"next_cursor"' in terminal.stdout
