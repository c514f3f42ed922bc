"""What a process of the node asks of the kernel: to end with its parent, and to stay out of the terminal's reach."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

_PR_SET_PDEATHSIG = 1
# Loaded at import: a forked child must not need the loader.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel kill this process when its parent ends, however that comes about.

    The kernel watches the *thread* that forked: start children from main threads. A parent that ended before this
    call is noticed too. Elsewhere than on Linux only that check is made; there the loops of the tree look themselves.
    """
    if _LIBC is not None and _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) was refused")
    if os.getppid() != parent_pid:
        os.kill(os.getpid(), signal.SIGKILL)


def dying_with_this_process() -> Callable[[], None]:
    """What a foreign program runs before its first instruction, so that the kernel kills it when this process ends.

    For `preexec_fn`, from this process's main thread; it loads nothing in the child.
    """
    parent_pid = os.getpid()
    return lambda: die_with_parent(parent_pid)


def settle_as_child(parent_pid: int) -> None:
    """Make a freshly forked process a quiet part of the tree: ends with its parent, own session, deaf to SIGTERM.

    Ctrl-C and a signal to the group reach the outermost process alone; it says what is to be done. The handlers do
    nothing instead of being SIG_IGN, because an ignored signal stays ignored in every program started from here, and
    a browser and its driver must be able to hear SIGTERM.
    """
    die_with_parent(parent_pid)
    with contextlib.suppress(PermissionError):  # it leads a session already
        os.setsid()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _do_nothing)


def kill_tree(pid: int) -> None:
    """Kill a process and everything below it with SIGKILL; what is gone already is no error."""
    with contextlib.suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def _do_nothing(_number: int, _frame: FrameType | None) -> None:
    pass
