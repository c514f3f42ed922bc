"""A worker node on the database under test, and its processes by what they do."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil
import pytest
from django.db import connection

from config.env import BASE_DIR
from config.local.processes import Part, inherited, stop
from tests.support.families import children_of, is_browser, words_of
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

READY_SECONDS = 80
"""Generous: a node is five interpreters, and test machines are busy."""


@dataclass
class NodeUnderTest:
    """A node in a process of its own."""

    part: Part

    @property
    def outermost(self) -> psutil.Process:
        """The process that was started."""
        assert self.part.pid is not None, self.part.last_lines()
        return psutil.Process(self.part.pid)

    @property
    def exit_code(self) -> int | None:
        """The exit code of the outermost process; None while it runs."""
        assert self.part._process is not None
        return self.part._process.poll()

    def tree(self) -> list[psutil.Process]:
        """Every process of the node now, the outermost first."""
        return [self.outermost, *self.outermost.children(recursive=True)]

    def find(self, role: str) -> psutil.Process:
        """One process by its role: outermost, dispatcher, watchdog, browser_keeper, `queue/…` or `browser_keeper/…`.

        See `cluster` and `shared_browser` for the latter two.
        """
        if role == "outermost":
            return self.outermost
        queue, _, part = role.partition("/")

        def look() -> psutil.Process | None:
            if not part:
                return self._started_with(role)
            return (self.shared_browser() if queue == "browser_keeper" else self.cluster(queue)).get(part)

        found = wait_until(look, READY_SECONDS, what=role)
        assert found is not None
        return found

    def cluster(self, queue: str) -> dict[str, psutil.Process]:
        """The processes of one cluster: main, sentinel, worker-0 …, monitor, pusher; what is there yet."""
        main = self._started_with("worker_cluster", queue)
        sentinel = next(iter(children_of(main)), None)
        if main is None or sentinel is None:
            return {}
        # Forked in this order; a replaced one comes last, and a cluster that is being repaired is asked again.
        rest = sorted(children_of(sentinel), key=lambda child: (child.create_time(), child.pid))
        if len(rest) < 3:
            return {}
        workers = {f"worker-{number}": process for number, process in enumerate(rest[:-2])}
        names = {"main": main, "sentinel": sentinel, **workers, "monitor": rest[-2], "pusher": rest[-1]}
        return names | _browser_of(rest[0])

    def shared_browser(self) -> dict[str, psutil.Process]:
        """The `server` below the keeper of the shared browser, and the `browser` below that; what is there yet."""
        keeper = self._started_with("browser_keeper")
        server = next(iter(children_of(keeper)), None)
        return {} if server is None else {"server": server, **_browser_of(server)}

    def signal(self, number: int) -> None:
        """Send a signal to the outermost process alone, as an init system does."""
        self.outermost.send_signal(number)

    def wait_for_end(self, seconds: float) -> int:
        """Wait until the outermost process ended and return its exit code."""
        wait_until(lambda: self.exit_code is not None, seconds, what="the node's end")
        assert self.exit_code is not None
        return self.exit_code

    def _started_with(self, *words: str) -> psutil.Process | None:
        for process in children_of(self.outermost):
            arguments = words_of(process)
            if all(any(word in argument for argument in arguments) for word in words):
                return process
        return None


@pytest.fixture
def start_node(transactional_db: None, tmp_path: Path) -> Iterator[Callable[..., NodeUnderTest]]:
    """Start a node on the database of this test: `start_node("--no-chores", LEASE_SECONDS="4")`; ended with the test."""
    parts: list[Part] = []

    def start(*arguments: str, **settings: str) -> NodeUnderTest:
        folder = tmp_path / f"node-{len(parts)}"
        folder.mkdir()
        # The test, and a console it serves, read the files the node keeps.
        kept = tmp_path / "artifacts"
        kept.mkdir(exist_ok=True)
        (folder / kept.name).symlink_to(kept)
        environment = inherited({"DATA_DIR": str(folder), **_same_database(folder), **settings})
        command = [sys.executable, str(BASE_DIR / "manage.py"), "worker", *arguments]
        part = Part("node", command, environment, tmp_path / f"node-{len(parts)}.log")
        parts.append(part)
        part.start()
        return NodeUnderTest(part)

    yield start
    stop(parts, hurry=lambda: True)


def _browser_of(worker: psutil.Process) -> dict[str, psutil.Process]:
    """The Playwright driver below a process, and the browser below it, when they are there."""
    found: dict[str, psutil.Process] = {}
    with contextlib.suppress(psutil.NoSuchProcess):
        for process in worker.children(recursive=True):
            if "run-driver" in process.cmdline():
                found["driver"] = process
            if is_browser(process):
                found["browser"] = process
    return found


def _same_database(folder: Path) -> dict[str, str]:
    """Settings with which another process meets the database of this test."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        (folder / "automation.sqlite3").symlink_to(name)
        return {"DATABASE_URL": ""}
    server = os.environ["DATABASE_URL"].rpartition("/")[0]  # noqa: TID251 - handed on with another name
    return {"DATABASE_URL": f"{server}/{name}"}
