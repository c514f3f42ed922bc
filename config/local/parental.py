"""Children that end with their parent, even when the parent is killed."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def die_with_parent(number: signal.Signals) -> Callable[[], None]:
    """Return a `preexec_fn` after which the kernel sends this signal to the child when its parent dies.

    Linux only; elsewhere it does nothing. The kernel watches the *thread* that forked: start children from the main
    thread. The library is loaded here, before the fork, because loading it in the child could deadlock.
    """
    if sys.platform != "linux":
        return lambda: None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def arrange() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:  # the parent died between fork and prctl
            os._exit(1)

    return arrange
