"""The work of both systems: to write down when it began, and for which moment it was meant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from infra_shared.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Mark:
    """One piece of work: the moment it was meant for, and when it began in a worker process."""

    planned_at: datetime
    began_at: datetime

    @property
    def late_seconds(self) -> float:
        """From the one to the other."""
        return (self.began_at - self.planned_at).total_seconds()


def mark(log: str, planned: str) -> None:
    """Append one line; `planned` is ISO text, in UTC where it names no zone."""
    began_at = utc_now()
    with Path(log).open("a") as file:  # one short write at the end of a file is whole
        file.write(f"{planned} {began_at.isoformat()}\n")


def marks(log: Path) -> list[Mark]:
    """What was written so far."""
    if not log.exists():
        return []
    pairs = (line.split() for line in log.read_text().splitlines())
    return [Mark(_utc(planned), _utc(began)) for planned, began in pairs]


def percentiles(seconds: Iterable[float]) -> dict[str, float]:
    """The 50th, 95th and 99th by the nearest rank: each is a value that was measured."""
    ordered = sorted(seconds)
    return {f"p{share}": round(ordered[-(-len(ordered) * share // 100) - 1], 3) for share in (50, 95, 99)}


def _utc(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
