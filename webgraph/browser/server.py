"""One browser that several processes use at once, each in contexts of its own, through Playwright's server.

Playwright offers that server to JavaScript alone, so a small program of ours runs on the Node.js its driver brings along.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from playwright._impl._driver import compute_driver_executable, get_driver_env

from webgraph.browser import folders, processes
from webgraph.browser.launching import LAUNCH_SECONDS, launch_flags
from webgraph.errors import BrowserCrashError

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Callable

    from webgraph.browser.folders import HostFolder

_PROGRAM = Path(__file__).with_name("launch_server.js")
_END_SECONDS = 5.0
_PATH_BYTES = 32


class BrowserServer:
    """A browser and the program that serves it, on a loopback port and under a path nobody can guess."""

    def __init__(self, process: Process, folder: HostFolder, endpoint: str) -> None:
        self._process = process
        self._folder = folder
        self.endpoint = endpoint

    def __repr__(self) -> str:
        return f"<BrowserServer of process {self._process.pid}>"  # the endpoint is a secret

    @classmethod
    async def start(
        cls,
        executable: str,
        *,
        temp_root: Path | None = None,
        before_exec: Callable[[], None] | None = None,
    ) -> BrowserServer:
        """Start one and return when it can be connected to; BrowserCrashError when it does not come.

        `before_exec` runs in the new process; call this from a process's main thread when it asks to end with its parent.
        """
        folder = await asyncio.to_thread(folders.make, temp_root)
        process = None
        try:
            process = await _spawn(folder.path, before_exec)
            async with asyncio.timeout(LAUNCH_SECONDS + _END_SECONDS):
                endpoint = await _launch(process, executable)
        except BaseException as error:
            await _end(process, folder)
            if isinstance(error, OSError | TimeoutError | ValueError):
                raise BrowserCrashError("The browser server could not be started.") from error
            raise
        return cls(process, folder, endpoint)

    @property
    def pid(self) -> int:
        """The process the browser stands below."""
        return self._process.pid

    def process(self) -> psutil.Process | None:
        """The same with its identity; None when it is gone."""
        try:
            return psutil.Process(self._process.pid)
        except psutil.NoSuchProcess:
            return None

    async def ended(self) -> None:
        """Return when it is gone, whoever ended it."""
        await self._process.wait()

    async def memory_bytes(self) -> int:
        """What it and its browser cost now."""
        return await asyncio.to_thread(_weigh, self._process.pid)

    async def stop(self) -> None:
        """End browser and server, and remove their folder; in bounded time."""
        await _end(self._process, self._folder)


async def _spawn(folder: Path, before_exec: Callable[[], None] | None) -> Process:
    node, cli = compute_driver_executable()
    environment = {**get_driver_env(), "TMPDIR": str(folder)}
    environment.pop("DEBUG", None)  # with which Playwright writes addresses to standard error
    return await asyncio.create_subprocess_exec(
        node,
        str(_PROGRAM),
        str(Path(cli).parent),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=environment,
        start_new_session=True,
        preexec_fn=before_exec,
    )


async def _launch(process: Process, executable: str) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    options: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": 0,
        "wsPath": f"/{secrets.token_urlsafe(_PATH_BYTES)}",
        "executablePath": executable,
        "headless": True,
        "args": launch_flags(),
        "timeout": LAUNCH_SECONDS * 1000,
        "handleSIGINT": False,
        "handleSIGTERM": False,
        "handleSIGHUP": False,
    }
    process.stdin.write(json.dumps(options).encode() + b"\n")
    await process.stdin.drain()
    answer = json.loads(await process.stdout.readline())
    if "error" in answer:
        raise BrowserCrashError(f"The browser could not be started: {answer['error']}")
    return str(answer["endpoint"])


async def _end(process: Process | None, folder: HostFolder) -> None:
    """Ask by closing its input; what is left is ended by identity."""
    if process is not None:
        assert process.stdin is not None
        process.stdin.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_END_SECONDS):
                await process.wait()
    await asyncio.to_thread(lambda: processes.kill(processes.owned_by(folder.path)))
    await asyncio.to_thread(folder.remove)


def _weigh(pid: int) -> int:
    try:
        return processes.memory_bytes(processes.tree(psutil.Process(pid)))
    except psutil.NoSuchProcess:
        return 0
