"""Where shared documents come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SUFFIXES = (".yaml", ".yml", ".json")


class SharedDocuments(Protocol):
    """Finds the text of a shared document by its key."""

    def find(self, key: str) -> str | None:
        """Its text, or None when there is none of this key."""


@dataclass(frozen=True, slots=True)
class SharedInFolder:
    """Files named `KEY.yaml`, `KEY.yml` or `KEY.json` beside the document that includes them."""

    folder: Path

    def find(self, key: str) -> str | None:
        """The text of the first such file."""
        for suffix in SUFFIXES:
            path = self.folder / f"{key}{suffix}"
            if path.is_file():
                return path.read_text(encoding="utf-8")
        return None


@dataclass(frozen=True, slots=True)
class SharedInMapping:
    """Texts at hand by key, such as those a published version was made with."""

    texts: Mapping[str, str]

    def find(self, key: str) -> str | None:
        """The text under this key."""
        return self.texts.get(key)


NOTHING_SHARED = SharedInMapping({})
