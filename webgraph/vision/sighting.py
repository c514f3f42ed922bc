"""What goes to a provider of sight and what comes back, checked: a provider's answer is no more than a claim."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from webgraph.evidence.masking import Box

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST_TEXT = 200
_MOST_SIGHTINGS = 1000


class VisionError(Exception):
    """A provider gave no answer that can be used; the message says why, without secrets.

    Attributes:
        retry_after_seconds: when another question is worth it; None when it is not.
        missing: the provider is not installed or not configured.
        tokens: what the failed answer cost all the same.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after_seconds: float | None = None,
        missing: bool = False,
        tokens: int = 0,
    ) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
        self.missing = missing
        self.tokens = tokens


class TokensSpentError(VisionError):
    """Only a model could answer, and the attempt may ask none any more."""


@dataclass(frozen=True, slots=True)
class Picture:
    """The visible area as PNG; `scale` is how many of its pixels make one CSS pixel."""

    body: bytes
    width: int
    height: int
    scale: float

    @classmethod
    def of(cls, png: bytes, *, viewport_width: float) -> Picture:
        """The picture with the size its own header states (PNG specification, chunk IHDR)."""
        width, height = struct.unpack(">II", png[16:24])
        return cls(png, width, height, width / viewport_width)

    @property
    def viewport(self) -> tuple[float, float]:
        """Width and height in CSS pixels."""
        return self.width / self.scale, self.height / self.scale


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for: a visible text, the text it is near, a description."""

    text: str = ""
    near: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One thing in the picture: its text, its place in CSS pixels of the viewport, and how sure the provider is."""

    text: str
    box: Box
    confidence: float

    @property
    def middle(self) -> tuple[float, float]:
        """Where to click."""
        return self.box.left + self.box.width / 2, self.box.top + self.box.height / 2


@dataclass(frozen=True, slots=True)
class Findings:
    """A provider's checked answer. `reads` says that it lists every text it sees, else only what was looked for."""

    provider: str
    sightings: tuple[Sighting, ...]
    reads: bool
    tokens: int = 0


def checked(answer: Any, picture: Picture, *, provider: str, reads: bool) -> Findings:
    """The findings in a provider's answer.

    Raises VisionError when it is not as agreed: a page's text can write itself into a model's answer, so nothing of
    it counts but boxes inside the picture, scores between 0 and 1 and short texts.
    """
    try:
        tokens = int(answer.get("tokens", 0))
        items = answer["sightings"]
        if not isinstance(items, list) or len(items) > _MOST_SIGHTINGS:
            raise ValueError("the list of sightings is none, or too long")  # noqa: TRY301 - told below in one sentence
        found = tuple(_sighting(item, picture) for item in items)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        tokens = answer.get("tokens", 0) if isinstance(answer, dict) else 0
        msg = f"The answer of {provider} cannot be used: {_reason(error)}."
        raise VisionError(msg, tokens=tokens if isinstance(tokens, int) else 0) from error
    return Findings(provider, found, reads, tokens)


def _sighting(item: Mapping[str, Any], picture: Picture) -> Sighting:
    left, top, right, bottom = (float(edge) for edge in item["box"])
    confidence, text = float(item["confidence"]), item["text"]
    if not all(math.isfinite(edge) for edge in (left, top, right, bottom)):
        raise ValueError("a box is not made of numbers")
    if not (0 <= left < right <= picture.width and 0 <= top < bottom <= picture.height):
        raise ValueError("a box lies outside the picture")
    if not 0 <= confidence <= 1:
        raise ValueError("a score is not between 0 and 1")
    if not isinstance(text, str):
        raise TypeError("a text is none")
    scale = picture.scale
    box = Box(left / scale, top / scale, (right - left) / scale, (bottom - top) / scale)
    return Sighting(text[:_LONGEST_TEXT], box, confidence)


def _reason(error: Exception) -> str:
    """What is wrong, in words of this module; never a part of the answer itself."""
    if isinstance(error, KeyError | AttributeError):
        return "a part of it is missing"
    own = str(error).startswith(("a box", "a score", "a text", "the list"))
    return str(error) if own else "a part of it is of the wrong kind"
