"""Which of the things seen is the one that is wanted, or none: pure decisions over a provider's sightings.

A text fits when it is the same but for case, white space, punctuation, a drawn icon read as a sign, or letters that
look alike. How sure a provider is of its reading never tells two equal texts apart; only what they are near does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from webgraph.vision.sighting import Wanted
from webgraph.workers.base import Candidate, Insufficiency

if TYPE_CHECKING:
    from collections.abc import Sequence

    from webgraph.evidence.masking import Box
    from webgraph.vision.sighting import Findings, Sighting

# What counts as the text that is wanted, and what is only shown to people as close to it.
_FITS = 0.8
_SAME, _WITH_ICON, _LOOKS_ALIKE = 1.0, 0.95, 0.85
_WORTH_SHOWING = 0.5
_LEAST_CONFIDENCE = 0.6
# The second best must be so much worse: by score for what a model chose, by distance for what is near something.
_MARGIN = 0.2
_TIMES_FARTHER = 1.5
_FARTHER_PIXELS = 8.0
_NEAR_SCALE_PIXELS = 100.0
# How far "near" goes: along a row to its end, down a column as far as a card, else hardly at all.
_REACH_IN_A_ROW, _REACH_IN_A_COLUMN, _REACH = 10_000.0, 160.0, 60.0
_ICON_LETTERS = 2
_ALIKE = str.maketrans({"0": "o", "1": "l", "i": "l", "|": "l", "5": "s", "8": "b"})


@dataclass(frozen=True, slots=True)
class Choice:
    """The candidates with their scores, best first, and the one that was chosen or the reason why none was."""

    candidates: tuple[Candidate, ...]
    chosen: Sighting | None = None
    reason: Insufficiency | None = None


@dataclass(frozen=True, slots=True)
class _Scored:
    sighting: Sighting
    score: float
    fits: bool
    aligned: bool = True
    distance: float = 0.0

    @property
    def rank(self) -> tuple[bool, bool, float, float]:
        return (not self.fits, not self.aligned, self.distance, -self.score)


def choose(wanted: Wanted, findings: Findings) -> Choice:
    """The one sighting that is wanted, or the reason to abstain."""
    scored = [_scored(wanted, item) for item in findings.sightings]
    return _decided(_placed(wanted, findings, scored), by_model=not wanted.text)


def choose_point(point: Sighting, near: str, findings: Findings) -> Choice:
    """The point itself, when the text it should be near is there."""
    return _decided(_placed(Wanted(near=near), findings, [_Scored(point, _SAME, fits=True)]), by_model=False)


def fitting(wanted: Wanted, findings: Findings) -> tuple[Candidate, ...]:
    """Everything that fits, without a decision which of them it is."""
    scored = _placed(wanted, findings, [_scored(wanted, item) for item in findings.sightings])
    return _as_candidates([item for item in scored if item.fits])


def likeness(wanted: str, read: str) -> float:
    """How surely a text that was read is the one that is wanted, 0 to 1; 0.8 and more is the same text."""
    asked, seen = _plain(wanted), _plain(read)
    if not asked or not seen:
        return 0.0
    if asked == seen:
        return _SAME
    if _without_icon(read, wanted) == asked:
        return _WITH_ICON
    if asked.translate(_ALIKE) == seen.translate(_ALIKE):
        return _LOOKS_ALIKE
    return round(min(SequenceMatcher(None, asked, seen).ratio(), _FITS - 0.01), 3)


def _plain(text: str) -> str:
    """A text as it is compared: letters and digits alone, as recognition loses and invents blanks and points."""
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def _without_icon(read: str, wanted: str) -> str:
    """What was read, less a sign or two before or after it that no one would write there: a drawn icon."""
    if not wanted.isascii():
        return ""
    plain = "".join(letter for letter in read if not letter.isalnum() or letter.isascii())
    lost = sum(letter.isalnum() for letter in read) - sum(letter.isalnum() for letter in plain)
    inner = plain.strip()
    at_an_end = read.strip().startswith(inner) or read.strip().endswith(inner)
    return _plain(plain) if 0 < lost <= _ICON_LETTERS and at_an_end else ""


def _scored(wanted: Wanted, sighting: Sighting) -> _Scored:
    score = likeness(wanted.text, sighting.text) if wanted.text else sighting.confidence
    enough = _FITS if wanted.text else _LEAST_CONFIDENCE
    return _Scored(sighting, score, fits=score >= enough and sighting.confidence >= _LEAST_CONFIDENCE)


def _placed(wanted: Wanted, findings: Findings, scored: list[_Scored]) -> list[_Scored]:
    """The candidates worth showing, best first; what is not near enough to the text it should be near fits no more."""
    shown = [item for item in scored if item.score >= _WORTH_SHOWING]
    if wanted.near and findings.reads:
        beside = [
            item.box
            for item in findings.sightings
            if likeness(wanted.near, item.text) >= _FITS and item.confidence >= _LEAST_CONFIDENCE
        ]
        shown = [_near(item, beside) for item in shown]
    return sorted(shown, key=lambda item: item.rank)


def _near(item: _Scored, beside: Sequence[Box]) -> _Scored:
    relations = [_relation(item.sighting.box, box) for box in beside]
    reached = [(aligned, distance) for aligned, distance, reach in relations if distance <= reach]
    if not reached:
        return replace(item, fits=False, aligned=False)
    aligned, distance = min(reached, key=lambda it: (not it[0], it[1]))
    nearness = 1 / (1 + distance / _NEAR_SCALE_PIXELS)
    return replace(item, score=round(item.score * nearness, 3), aligned=aligned, distance=distance)


def _relation(one: Box, other: Box) -> tuple[bool, float, float]:
    """Whether two boxes share a row or a column, how far apart their edges are, and how far is still near."""
    across = max(other.left - one.left - one.width, one.left - other.left - other.width)
    down = max(other.top - one.top - one.height, one.top - other.top - other.height)
    distance = (max(across, 0.0) ** 2 + max(down, 0.0) ** 2) ** 0.5
    if -down >= min(one.height, other.height) / 2:
        return True, distance, _REACH_IN_A_ROW
    return across < 0, distance, _REACH_IN_A_COLUMN if across < 0 else _REACH


def _decided(shown: Sequence[_Scored], *, by_model: bool) -> Choice:
    candidates = _as_candidates(shown)
    able = [item for item in shown if item.fits]
    if not able:
        return Choice(candidates, reason=Insufficiency.UNSURE if shown else Insufficiency.NONE)
    if len(able) > 1 and not _apart(able[0], able[1], by_model=by_model):
        return Choice(candidates, reason=Insufficiency.SEVERAL)
    return Choice(candidates, able[0].sighting)


def _apart(best: _Scored, second: _Scored, *, by_model: bool) -> bool:
    if by_model:
        return best.score - second.score >= _MARGIN
    if best.aligned and not second.aligned:
        return True
    return second.distance > best.distance * _TIMES_FARTHER + _FARTHER_PIXELS


def _as_candidates(scored: Sequence[_Scored]) -> tuple[Candidate, ...]:
    return tuple(
        Candidate(
            matched_by="sight",
            score=item.score,
            summary=f"“{item.sighting.text[:60]}” at {item.sighting.middle[0]:.0f}, {item.sighting.middle[1]:.0f}",
        )
        for item in sorted(scored, key=lambda item: -item.score)
    )
