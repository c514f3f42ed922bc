"""One provider in a process of its own: started when it is first asked, ended when it is idle or no longer wanted.

Text recognition takes 400 MB once its models are loaded, which a worker process that lives for days must not keep.
Questions and answers are one JSON line each; a picture's bytes follow its question. When the parent dies, the pipe ends
and so does the child.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from webgraph.vision.sighting import VisionError

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Mapping

_ROOT = Path(__file__).parents[2]
_LONGEST_ANSWER_BYTES = 4 * 1024 * 1024


class ProviderProcess:
    """Asks one provider. Not for several tasks at once."""

    def __init__(self, name: str, order: Mapping[str, Any], *, idle_seconds: float) -> None:
        self._name = name
        self._order = order
        self._idle_seconds = idle_seconds
        self._process: Process | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def pid(self) -> int | None:
        """The process that is running now, if any."""
        return self._process.pid if self._process else None

    async def ask(self, question: Mapping[str, Any], picture: bytes, *, timeout_seconds: float) -> Any:
        """The provider's answer, unchecked.

        Raises VisionError when it gives none in time. Whatever ends the wait early ends the process too: its answer
        would come in place of the next one.
        """
        self._stay()
        try:
            async with asyncio.timeout(timeout_seconds):
                answer = await self._exchange(question, picture)
        except TimeoutError as error:
            await self.close()
            msg = f"{self._name} did not answer within {timeout_seconds:.0f} seconds."
            raise VisionError(msg) from error
        except BaseException:
            await self.close()
            raise
        self._idle = asyncio.get_running_loop().call_later(self._idle_seconds, self._end_idle)
        return answer

    async def close(self) -> None:
        """End the process, if there is one, and wait until it is gone."""
        self._stay()
        process, self._process = self._process, None
        if process is not None:
            await asyncio.shield(self._end(process))
        if self._ending:
            await asyncio.wait(self._ending)

    async def _exchange(self, question: Mapping[str, Any], picture: bytes) -> Any:
        process = self._process
        if process is None or process.returncode is not None:
            process = self._process = await _start(self._order)
        assert process.stdin is not None  # both are pipes
        assert process.stdout is not None
        try:
            process.stdin.write(_line({**question, "bytes": len(picture)}) + picture)
            await process.stdin.drain()
            answer = await process.stdout.readline()
        except (ConnectionError, ValueError):
            answer = b""  # it ended meanwhile, or said far too much: told below
        if not answer.endswith(b"\n"):
            await self.close()
            msg = f"The process of {self._name} ended (exit code {process.returncode}) instead of answering."
            raise VisionError(msg)
        return json.loads(answer)

    def _stay(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _end_idle(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            task = asyncio.ensure_future(self._end(process))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    @staticmethod
    async def _end(process: Process) -> None:
        if process.returncode is None:
            process.kill()  # it holds nothing that could be lost
        await process.communicate()


async def _start(order: Mapping[str, Any]) -> Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "webgraph.vision.child",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # A library's own words may hold anything, a key even; what matters comes as an answer.
        stderr=subprocess.DEVNULL,
        cwd=_ROOT,
        limit=_LONGEST_ANSWER_BYTES,
        start_new_session=True,  # Ctrl-C in a terminal is for the parent, which ends this one in order
    )
    assert process.stdin is not None  # a pipe
    process.stdin.write(_line(order))
    return process


def _line(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value).encode() + b"\n"
