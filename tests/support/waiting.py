"""Waiting for a condition, never for luck."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from infra_shared.clock import sleep

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def wait_until(
    condition: Callable[[], T], timeout: float = 10.0, *, what: str = "", poll_seconds: float = 0.02
) -> T:
    """Return the first truthy value of the condition; fail the test, saying what was awaited, after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > deadline:
            awaited = what or getattr(condition, "__name__", "the condition")
            raise AssertionError(f"Waited {timeout} s for {awaited}; the last answer was {value!r}.")
        sleep(poll_seconds)
    return value
