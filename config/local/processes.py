"""Processes of one local system: started, kept alive, and ended with everything they started themselves.

Each part gets a session of its own, so that a terminal's Ctrl-C reaches the starter alone, and a token in its
environment that its whole family inherits: what is left of a part is found by that token and by nothing else.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psutil

from config.local.parental import die_with_parent
from infra_shared.clock import sleep
from infra_shared.retries import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

TOKEN = "LOCAL_SYSTEM_PART"  # noqa: S105 - the name of a variable, not a secret
RESTARTS = RetryPolicy(first_pause=timedelta(seconds=0.5), longest_pause=timedelta(seconds=15), jitter=0)
SOUND_AFTER_SECONDS = 30.0
POLL_SECONDS = 0.05
PORTS_TRIED = 100


class PartFailedError(Exception):
    """A part ended, or did not answer in time, while it was being started; the message holds the end of its log."""


class NoFreePortError(Exception):
    """No port near the wanted one is free."""


def free_port(wanted: int = 0) -> int:
    """Return the wanted loopback port or the next free one above it; any free one for 0.

    Raises:
        NoFreePortError: none of the PORTS_TRIED from the wanted one is free.
    """
    for port in range(wanted, wanted + PORTS_TRIED):
        with socket.socket() as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                attempt.bind(("127.0.0.1", port))
                return int(attempt.getsockname()[1])
    raise NoFreePortError(f"No port from {wanted} to {wanted + PORTS_TRIED - 1} is free.")


@dataclass
class Part:
    """One long-lived process of the system.

    Attributes:
        ready_url: answers 200 once the part serves; empty for a part that serves nothing.
        grace_seconds: how long its orderly end may take before it is killed.
    """

    name: str
    command: Sequence[str | Path]
    environment: Mapping[str, str]
    log: Path
    ready_url: str = ""
    grace_seconds: float = 10.0
    restarts: int = 0
    _process: subprocess.Popen[bytes] | None = None
    _token: str = field(default_factory=lambda: secrets.token_hex(8))
    _started: float = 0.0
    _next_start: float = 0.0
    _early_ends: int = 0

    @property
    def pid(self) -> int | None:
        """The process id of the part's outermost process; None when it is not running."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Start the part; its output is appended to its log. Call this from the main thread (see `parental`)."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                env={**self.environment, TOKEN: self._token},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - loads nothing in the child
            )
        self._started = time.monotonic()

    def wait_until_ready(self, seconds: float) -> None:
        """Return once the part answers.

        Raises:
            PartFailedError: it ended, or did not answer in time.
        """
        deadline = time.monotonic() + seconds
        while self.ready_url and not self._serves():
            if self.pid is None or time.monotonic() > deadline:
                raise PartFailedError(f"{self.name} did not start. {self.last_lines()}")
            sleep(POLL_SECONDS)

    def _serves(self) -> bool:
        """Whether its address answers, and by the part itself: another program may have taken the port meanwhile."""
        return answers(self.ready_url) and self._listens(urlsplit(self.ready_url).port)

    def _listens(self, port: int | None) -> bool:
        for member in self.family():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                sockets = member.net_connections(kind="tcp")
                if any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in sockets):
                    return True
        return False

    def tend(self) -> str:
        """Start the part again if it ended, later each time it ends early; return one line when it did something."""
        now = time.monotonic()
        if self.pid is not None or self._process is None:
            return ""
        if not self._next_start:
            self.kill()  # what a dead outermost process left behind must not run beside its successor
            sound = now - self._started > SOUND_AFTER_SECONDS
            self._early_ends = 1 if sound else self._early_ends + 1
            pause = RESTARTS.pause_after(self._early_ends, chance=0).total_seconds()
            self._next_start = now + pause
            code = self._process.returncode
            return f"{self.name} ended ({code}), starting it again in {pause:.0f} s. {self.last_lines(3)}"
        if now < self._next_start:
            return ""
        self._next_start = 0.0
        self.restarts += 1
        self.start()
        return f"{self.name} started again."

    def terminate(self) -> None:
        """Ask the part's outermost process, and no other, to end."""
        if self._process and self._process.poll() is None:
            self._process.terminate()

    def kill(self) -> None:
        """End every process of the part at once and return when none is left."""
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        while family := list(self.family()):
            for member in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    member.kill()
            psutil.wait_procs(family, timeout=1)

    def family(self) -> Iterator[psutil.Process]:
        """Yield every living process that carries this part's token."""
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                if process.environ().get(TOKEN) == self._token:
                    yield process

    def last_lines(self, count: int = 15) -> str:
        """Return the end of the part's log, led by the log's path."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()[-count:]
        except FileNotFoundError:
            lines = []
        return "\n".join([f"Its log is {self.log}:", *lines])


def stop(parts: Sequence[Part], *, hurry: Callable[[], bool] = lambda: False) -> None:
    """End the parts one after the other, each within its grace, or all at once when in a hurry; nothing is left."""
    for part in parts:
        part.terminate()
        deadline = time.monotonic() + part.grace_seconds
        while part.pid is not None and time.monotonic() < deadline and not hurry():
            sleep(POLL_SECONDS)
        part.kill()


def answers(url: str, *, seconds: float = 2.0) -> bool:
    """Return whether a local address answers 200; proxies of the environment are not asked."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=seconds) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def inherited(extra: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment with additions, for handing on to a child."""
    return {**os.environ, **extra}
