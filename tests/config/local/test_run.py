"""`make run`: whatever ends it, nothing is left; what dies comes back; the next run goes on with the same data."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil
import pytest

from config.env import BASE_DIR
from config.local.environment import new_keys, without_settings
from tests.support.families import words_of
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
START_SECONDS = 120
STOP_SECONDS = 40
FIRST_OF_ITS_SESSION = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execvp('make', ['make', f'PYTHON={sys.argv[1]}', 'run'])"
)


class LocalRun:
    """`make run` on a folder of its own, and every process that descends from it."""

    def __init__(self, folder: Path) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self.marker = uuid.uuid4().hex
        self.output = folder / "output"
        self.environment = {
            **without_settings(),
            **new_keys(),
            "ENV_FILE": "",
            "DATA_DIR": str(folder / "data"),
            "TEST_MARKER": self.marker,
        }

    def start(self) -> str:
        """Start it and return what it printed by the time it was up."""
        with self.output.open("w") as output:
            self.launch([sys.executable, "-m", "config.local.run"], terminal=output.fileno())
        wait_until(self._is_up, START_SECONDS, what="the last line of its welcome")
        return self.output.read_text()

    def launch(self, command: list[str], *, terminal: int) -> None:
        """Start a command that brings it up, with this descriptor as its terminal."""
        self._process = subprocess.Popen(
            command,
            cwd=BASE_DIR,
            env=self.environment,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
        )

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process, "start it first"
        return self._process

    def _is_up(self) -> bool:
        assert self.process.poll() is None, self.output.read_text()
        return "Ctrl-C stops everything" in self.output.read_text()

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def family(self) -> list[psutil.Process]:
        return [process for process in psutil.process_iter() if self._is_mine(process)]

    def _is_mine(self, process: psutil.Process) -> bool:
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            return process.environ().get("TEST_MARKER") == self.marker
        return False


@pytest.fixture
def local_run(tmp_path: Path) -> Iterator[LocalRun]:
    run = LocalRun(tmp_path)
    yield run
    run.process.kill()
    run.process.wait()
    while family := run.family():
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()


def test_ctrl_c_leaves_nothing_and_the_next_run_has_the_same_data(local_run: LocalRun) -> None:
    first = local_run.start()
    local_run.signal(signal.SIGINT)
    assert local_run.process.wait(STOP_SECONDS) == 0
    assert local_run.family() == []

    second = local_run.start()
    local_run.signal(signal.SIGINT)
    local_run.process.wait(STOP_SECONDS)

    assert "password " in first
    assert "(forgotten? make password)" in second


@pytest.mark.slow
@pytest.mark.parametrize(
    "end",
    [
        pytest.param(lambda run: run.signal(signal.SIGHUP), id="terminal closed"),
        pytest.param(lambda run: run.signal(signal.SIGTERM), id="asked to end"),
        pytest.param(lambda run: [run.signal(signal.SIGINT) for _ in "12"], id="ctrl-c twice"),
        pytest.param(lambda run: run.process.kill(), id="killed"),
    ],
)
def test_nothing_is_left_however_it_ends(local_run: LocalRun, end: Callable[[LocalRun], object]) -> None:
    local_run.start()

    end(local_run)

    local_run.process.wait(STOP_SECONDS)
    wait_until(lambda: not local_run.family(), STOP_SECONDS, what="the end of the last process")


@pytest.mark.slow
def test_nothing_is_left_when_the_terminal_of_make_is_closed(local_run: LocalRun) -> None:
    """`make` is the first process of its terminal's session here, and keeps the terminal's signal to itself."""
    terminal, inner = pty.openpty()
    local_run.launch([sys.executable, "-c", FIRST_OF_ITS_SESSION, sys.executable], terminal=inner)
    os.close(inner)
    shown = b""
    while b"Ctrl-C stops everything" not in shown:
        shown += os.read(terminal, 4096)

    os.close(terminal)

    wait_until(lambda: not local_run.family(), STOP_SECONDS, what="the end of the last process")


@pytest.mark.slow
def test_a_killed_node_is_started_again(local_run: LocalRun) -> None:
    local_run.start()
    nodes = [process for process in local_run.family() if words_of(process)[1:3] == ["manage.py", "worker"]]

    min(nodes, key=psutil.Process.create_time).kill()

    wait_until(
        lambda: "worker node started again." in local_run.output.read_text(),
        START_SECONDS,
        what="the node's second start",
    )
