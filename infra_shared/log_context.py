"""What log lines carry beside their own fields: bound for a block of code, or for the whole process.

    with bound_everywhere(run_id=…, attempt=2):   # every thread of this process, browser loop and storage included
        with bound(step=7):                       # this thread or asyncio task, and what it starts
            log.info("…")

Free of any logging library, as WebGraph binds steps and runs without one; `infra_shared.logging` puts it on the lines.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_here: ContextVar[Mapping[str, Any]] = ContextVar("log_context", default={})  # noqa: B039 - never changed in place
_everywhere: list[Mapping[str, Any]] = []


@contextmanager
def bound(**fields: Any) -> Iterator[None]:
    """While the block runs, lines of this thread or task carry the fields; a field that is None is left out."""
    token = _here.set({**_here.get(), **fields})
    try:
        yield
    finally:
        _here.reset(token)


@contextmanager
def bound_everywhere(**fields: Any) -> Iterator[None]:
    """While the block runs, every line of this process carries the fields, whatever is bound in a thread or task.

    For a process that has one attempt in hand at a time. Tasks of a browser's driver outlive the attempt that started
    them, and would name it for ever if they took its fields along.
    """
    _everywhere.append(fields)
    try:
        yield
    finally:
        _everywhere.remove(fields)


def bound_now() -> dict[str, Any]:
    """What is bound where this is called."""
    fields = dict(_here.get())
    for mapping in tuple(_everywhere):
        fields |= mapping
    return {name: value for name, value in fields.items() if value is not None}
