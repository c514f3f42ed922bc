"""Which providers of sight there are, and what they need."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

PROVIDERS = ("ocr", "gemini")


@dataclass(frozen=True, slots=True, kw_only=True)
class VisionSettings:
    """The providers in the order they are asked, and how long they may take.

    `ocr` reads texts and needs no network; `gemini` also finds by description, and every picture it is asked about
    leaves this machine. With no provider there is no vision tier.
    """

    providers: tuple[str, ...] = ("ocr",)
    idle_seconds: float = 20.0
    """A provider's process that was not asked for so long is ended."""
    answer_seconds: float = 30.0
    gemini_api_key: str = field(default="", repr=False)
    gemini_model: str = "gemini-2.5-flash"
    gemini_base_url: str = ""
    """Empty: Google's own."""

    def order(self, provider: str) -> dict[str, Any]:
        """What the provider's process is told when it starts. It holds the key: it goes through a pipe alone."""
        if provider == "ocr":
            return {"engine": "ocr"}
        return {
            "engine": "gemini",
            "api_key": self.gemini_api_key,
            "model": self.gemini_model,
            "base_url": self.gemini_base_url,
            "answer_seconds": self.answer_seconds,
        }
