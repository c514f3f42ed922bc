"""Sending dead letters again, and how the edge is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infra_shared.services import audit
from intake.errors import EdgeUnreachableError
from intake.services import edge_control

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

MOST_AT_ONCE = 1000
REDRIVE_SECONDS = 120
"""A redrive reads and sends each letter before it answers."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter at the edge."""

    id: str
    source: str
    reason: str
    redrives: int


@dataclass(frozen=True, slots=True)
class Redriven:
    """What the edge sent again, or in a dry run would; `left` still lie there."""

    letters: tuple[Letter, ...]
    sent: int
    left: int


def redrive(
    *,
    actor: str,
    source: str = "",
    ids: Sequence[UUID] = (),
    limit: int = MOST_AT_ONCE,
    dry_run: bool = True,
    reason: str = "",
) -> Redriven:
    """Have the edge send dead letters again: of a source, with these ids, or all; it may do fewer at once than asked.

    They arrive as any other message does. EdgeUnreachableError when the edge did not do it.
    """
    what: dict[str, Any] = {"limit": max(1, min(limit, MOST_AT_ONCE)), "dry_run": dry_run}
    if source:
        what["source"] = source
    if ids:
        what["ids"] = [str(letter_id) for letter_id in ids]
    told = edge_control.order("redrive", what, seconds=REDRIVE_SECONDS)
    done = _read(told)
    if not dry_run:
        audit.record(
            actor=actor,
            action="edge.redrive",
            object_kind="edge",
            object_id=source or "every source",
            reason=reason,
            details={
                "sent": done.sent,
                "left": done.left,
                "ids": [letter.id for letter in done.letters][:20],
            },
        )
    return done


def edge_status() -> dict[str, Any]:
    """What the edge says of itself: version, sources, dead_letters, now. EdgeUnreachableError when it does not."""
    return edge_control.order("status", {})


def _read(told: dict[str, Any]) -> Redriven:
    try:
        letters = tuple(
            Letter(str(item["id"]), str(item["source"]), str(item["reason"]), int(item["redrives"]))
            for item in told["letters"]
        )
        return Redriven(letters, int(told["sent"]), int(told["left"]))
    except (KeyError, TypeError, ValueError) as error:
        raise EdgeUnreachableError(f"The Worker's answer cannot be read: {error!r}.") from error
