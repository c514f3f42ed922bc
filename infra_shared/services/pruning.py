"""One round of removing what is too old: every sweep in turn, until nothing is left or the time is over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog
from django.db import DatabaseError

from infra_shared import clock
from infra_shared.blobs.protocol import BlobError
from infra_shared.database import is_lock_or_connection_error
from infra_shared.retention import sweeps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from infra_shared.retention import Batch, Order, Removed, Sweep

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Round:
    """What a round came to: the sums by (what, rule, customer), and why sweeps ended early, by their path."""

    rows: dict[tuple[str, str, str], int] = field(default_factory=dict)
    size_bytes: dict[tuple[str, str, str], int] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    refusals: list[DatabaseError] = field(default_factory=list)
    """What the database refused: a fault of this code, unlike a store that is away."""
    is_complete: bool = False
    """Whether every sweep came to its end, or to a problem, in time."""

    @property
    def total_rows(self) -> int:
        """How many rows, and files of the store, were removed in all."""
        return sum(self.rows.values())

    def add(self, item: Removed) -> None:
        """Count one line."""
        key = (item.what, item.rule, item.customer)
        self.rows[key] = self.rows.get(key, 0) + item.rows
        self.size_bytes[key] = self.size_bytes.get(key, 0) + item.size_bytes


def prune(
    order: Order,
    *,
    seconds: float | None = None,
    told: Callable[[Round], None] = lambda _: None,
    chosen: Mapping[str, Sweep] | None = None,
) -> Round:
    """Remove what is too old and say what that came to; `told` hears of it after each batch.

    Sweeps take turns, a batch each, so that one with much to do starves none when `seconds` are over. One that fails
    because the store does not answer, or because the database refuses what it does, is ended, and the others go on; the
    next round tries it again. A database that is away, or busy, ends the round with its error.
    """
    until = None if seconds is None else clock.monotonic() + seconds
    done = Round()
    waiting = {path: sweep(order) for path, sweep in (sweeps() if chosen is None else chosen).items()}
    while waiting and (until is None or clock.monotonic() < until):
        for path, steps in list(waiting.items()):
            batch = _next(path, steps, done)
            if batch is None:
                del waiting[path]
                continue
            for item in batch:
                done.add(item)
            told(done)
            if until is not None and clock.monotonic() >= until:
                break
    done.is_complete = not waiting
    return done


def _next(path: str, steps: Iterator[Batch], done: Round) -> Batch | None:
    """What the sweep's next batch removed; None when it has come to its end, or to a problem."""
    try:
        return next(steps, None)
    except BlobError as error:
        done.problems[path] = str(error)
        _log.warning("sweep_failed", sweep=path, error=str(error))
        return None
    except DatabaseError as error:
        if is_lock_or_connection_error(error):
            raise
        done.problems[path] = f"The database refused it: {type(error).__name__}."
        done.refusals.append(error)
        _log.exception("sweep_failed", sweep=path)
        return None
