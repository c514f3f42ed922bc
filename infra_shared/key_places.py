"""Where encrypted values lie: what a place must offer so that its values can be brought under the newest key.

Columns of the type EncryptedJSONField are found by themselves. An app that keeps anything else encrypted lists a place
of its own under `key_places` in its AppConfig, as a dotted path.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(slots=True)
class Tally:
    """How many values are under the newest key, under older ones, and under none of the ring."""

    newest: int = 0
    older: int = 0
    unreadable: int = 0
    rotated: int = 0
    """Of the newest, how many came under it just now."""
    lost_at: list[str] = field(default_factory=list)
    """The rows of the first few that no key reads."""
    held_at: set[str] = field(default_factory=set)
    """The nodes on which older ones lie: these alone can bring them under the newest key."""

    def add(self, number: int | None, *, row: object) -> None:
        """Count one value by the number of its key."""
        if number is None:
            self.unreadable += 1
            if len(self.lost_at) < _MOST_NAMED:
                self.lost_at.append(str(row))
        elif number == 0:
            self.newest += 1
        else:
            self.older += 1

    def moved(self) -> None:
        """One value came from an older key under the newest."""
        self.older -= 1
        self.newest += 1
        self.rotated += 1


_MOST_NAMED = 10


class KeyPlace(Protocol):
    """Values that are encrypted with the key ring."""

    name: str
    """What people call it, such as `automations.Credential.fields`."""

    def walk(self, *, rotate: bool, batch: int) -> Iterator[Tally]:
        """Look at every value, `batch` of them at a time, and yield the tally so far after each batch.

        With `rotate` what is under an older key is encrypted anew: only if it is still what was read, so that a value
        somebody writes meanwhile is never lost. May be broken off and begun again at any time.
        """
