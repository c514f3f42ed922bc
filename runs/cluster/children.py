"""A child process of the outermost process: started, started again when it ends, and ended."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from infra_shared.clock import monotonic
from infra_shared.retries import RetryPolicy
from runs.cluster.kernel import dying_with_this_process, kill_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

# One child is started by one parent: there is no crowd for chance to spread.
RESTARTS = RetryPolicy(first_pause=timedelta(seconds=0.5), longest_pause=timedelta(seconds=30), jitter=0)
SOUND_AFTER_SECONDS = 60.0
_log = structlog.get_logger(__name__)


@dataclass
class Child:
    """One child. `command` is asked anew for each start, with the start's name (`name:1`, `name:2`, …).

    The child stands in a session of its own and ends with its parent: the kernel sees to it from the first moment, and,
    where the kernel cannot, the program itself, which is told its parent's process id. Call `begin` and `tend` from the
    main thread, which the kernel then watches.
    """

    name: str
    command: Callable[[str], Sequence[str]]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    descriptors: Sequence[int] = ()
    delay_seconds: float = 0.0
    starts: int = 0
    _process: subprocess.Popen[bytes] | None = None
    _started_at: float = 0.0
    _start_again_at: float | None = None
    _early_ends: int = 0

    @property
    def beat_name(self) -> str:
        """The name under which this start of the child beats."""
        return f"{self.name}:{self.starts}"

    @property
    def exit_code(self) -> int | None:
        """None while it runs or before its first start."""
        return None if self._process is None else self._process.poll()

    @property
    def is_running(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and self._process.poll() is None

    def begin(self) -> None:
        """Start it now, or have `tend` start it after its delay."""
        if self.delay_seconds:
            self._start_again_at = monotonic() + self.delay_seconds
        else:
            self.start()

    def start(self) -> None:
        """Start it."""
        self.starts += 1
        self._started_at, self._start_again_at = monotonic(), None
        self._process = subprocess.Popen(  # noqa: S603 - this program's own commands
            self.command(self.beat_name),
            cwd=self.folder,
            env={**os.environ, **self.environment},  # noqa: TID251 - handed on, not read
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=tuple(self.descriptors),
            # Loading its program can take a busy machine many seconds: it must not outlive this process until then.
            preexec_fn=dying_with_this_process(),  # noqa: PLW1509 - it loads nothing in the child
        )
        _log.info("child_started", child=self.name, pid=self._process.pid)

    def tend(self) -> None:
        """Start it again if it ended: soon after a sound life, later each time it ends early."""
        if self.is_running:
            return
        if self._start_again_at is None:
            sound = monotonic() - self._started_at > SOUND_AFTER_SECONDS
            self._early_ends = 1 if sound else self._early_ends + 1
            pause = RESTARTS.pause_after(self._early_ends, chance=0).total_seconds()
            self._start_again_at = monotonic() + pause
            _log.warning("child_ended", child=self.name, code=self.exit_code, again_in_seconds=pause)
        elif monotonic() >= self._start_again_at:
            self.start()

    def terminate(self) -> None:
        """Ask it to end."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def kill(self) -> None:
        """End it and everything below it at once."""
        if self._process is not None and self._process.poll() is None:
            kill_tree(self._process.pid)
            self._process.wait()
