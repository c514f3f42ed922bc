"""What an engine answers with, and the one error it raises."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol


class EngineError(Exception):
    """An engine has no answer; the message is for people and holds no secret."""

    def __init__(self, message: str, *, retry_after_seconds: float | None = None, tokens: int = 0) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
        self.tokens = tokens


@dataclass(frozen=True, slots=True)
class Answer:
    """Sightings as JSON: `text`, `box` (left, top, right, bottom in pixels of the picture), `confidence` (0 to 1)."""

    sightings: list[dict[str, Any]] = field(default_factory=list)
    tokens: int = 0


class Engine(Protocol):
    """A provider's library behind one question."""

    def look(self, picture: bytes, question: dict[str, str]) -> Answer:
        """What is in the PNG; `question` holds `text`, `near` and `description`, each possibly empty."""
