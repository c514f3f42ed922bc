"""Parts of a local system: they come back when they die, and leave nothing when they are ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
from http.server import HTTPServer, SimpleHTTPRequestHandler
from threading import Thread
from typing import TYPE_CHECKING

import psutil
import pytest

from config.local.processes import Part, PartFailedError, free_port, inherited, stop
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STUBBORN_FAMILY = """
    import os, signal, subprocess, sys
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ignores = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
    child = subprocess.Popen([sys.executable, "-c", ignores], start_new_session=True)
    child.wait()
"""


@pytest.fixture
def part(tmp_path: Path) -> Iterator[Part]:
    command = [sys.executable, "-c", textwrap.dedent(STUBBORN_FAMILY)]
    part = Part("stubborn", command, inherited({}), tmp_path / "log", grace_seconds=0.2)
    yield part
    part.kill()


def started_family(part: Part) -> list[psutil.Process]:
    wait_until(lambda: len(list(part.family())) == 2, what="two processes")
    return list(part.family())


def lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def test_stopping_ends_a_family_that_ignores_the_request(part: Part) -> None:
    part.start()
    family = started_family(part)

    stop([part])

    assert not any(map(lives, family))


def test_a_part_that_was_killed_comes_back_without_its_old_family(part: Part) -> None:
    part.start()
    old = started_family(part)

    os.kill(part.pid or 0, signal.SIGKILL)
    wait_until(lambda: part.tend().endswith("started again."), what="the second start")

    assert not any(map(lives, old))
    assert len(started_family(part)) == 2
    assert part.restarts == 1


def test_a_part_is_not_ready_because_another_program_answers_at_its_address(tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as other:
        Thread(target=other.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{other.server_port}/"
        loser = [
            sys.executable,
            "-c",
            f"import socket; socket.create_server(('127.0.0.1', {other.server_port}))",
        ]
        part = Part("web", loser, inherited({}), tmp_path / "log", ready_url=url)

        part.start()

        with pytest.raises(PartFailedError, match="Address already in use"):
            part.wait_until_ready(60)
        other.shutdown()


def test_a_part_that_dies_at_once_names_its_log_and_its_last_words(tmp_path: Path) -> None:
    log = tmp_path / "log"
    url = f"http://127.0.0.1:{free_port()}/"
    part = Part("web", [sys.executable, "-c", "exit('no key')"], inherited({}), log, ready_url=url)

    part.start()

    with pytest.raises(PartFailedError, match="web did not start") as failure:
        part.wait_until_ready(10)
    assert str(log) in str(failure.value)
    assert "no key" in str(failure.value)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_a_part_ends_when_its_starter_is_killed(tmp_path: Path) -> None:
    starter = f"""
        import pathlib, sys, time
        from config.local.processes import Part, inherited
        sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
        part = Part("part", sleeper, inherited({{}}), pathlib.Path({str(tmp_path / "log")!r}))
        part.start()
        print(part.pid, flush=True)
        time.sleep(600)
    """
    command = [sys.executable, "-c", textwrap.dedent(starter)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        part = psutil.Process(int(process.stdout.readline()))
        process.kill()

    wait_until(lambda: not lives(part), what="the part's end")


def test_a_busy_port_is_passed_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]

        assert free_port(port) > port
