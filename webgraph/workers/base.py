"""What a tier is to the supervisor: something that finds a target in one representation of the page, or abstains."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from webgraph.errors import WebGraphError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from playwright.async_api import CDPSession, FilePayload, Page

    from webgraph.bindings import PlaceCheck
    from webgraph.recorder import Tier
    from webgraph.surface import Surface
    from webgraph.target import Target


class Need(StrEnum):
    """How ready a thing must be for what is to be done with it."""

    ACT = "act"
    """Visible and enabled."""
    SEE = "see"
    """Visible."""
    EXIST = "exist"
    """In the document; file inputs are usually hidden."""


class Insufficiency(StrEnum):
    """Why a tier abstains."""

    NONE = "none"
    SEVERAL = "several"
    HIDDEN = "hidden"
    DISABLED = "disabled"
    MISMATCH = "mismatch"
    """What is there is another control than the one that was used before."""
    UNSURE = "unsure"
    """Something like it is there, but not surely enough."""
    BUDGET = "budget"
    """The attempt may not look any more."""
    UNAVAILABLE = "unavailable"
    """The tier itself cannot be used now."""


class UnsupportedActionError(WebGraphError):
    """The tier that found a target cannot do this with it (a picture has no rows)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where and how long a tier may look. `timeout_seconds` 0 means: look once."""

    page: Page
    need: Need
    timeout_seconds: float
    session: CDPSession | None = None
    """A debugging session of the page, for a tier that can use one."""
    surface: Surface | None = None
    """The page as the framework watches it, for a tier that takes pictures."""
    known: Mapping[str, Any] | None = None
    """The target's fingerprint from earlier successes (`webgraph.fingerprint`), where there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One thing a tier considered: by what it was found, how well it fits (0 to 1), and what it looks like."""

    matched_by: str
    score: float
    summary: str
    visible: bool = True
    enabled: bool = True

    def is_ready(self, need: Need) -> bool:
        """Whether it can be used as needed now."""
        return need is Need.EXIST or (self.visible and (need is Need.SEE or self.enabled))

    def as_json(self) -> dict[str, Any]:
        """The candidate as kept with a decision."""
        return asdict(self)


class Actor(Protocol):
    """Acts on the one thing that was found. All timeouts are in seconds; failures are Playwright's own errors."""

    async def click(self, *, timeout_seconds: float) -> None:
        """Click it once."""

    async def double_click(self, *, timeout_seconds: float) -> None:
        """Click it twice in quick succession."""

    async def hover(self, *, timeout_seconds: float) -> None:
        """Put the pointer over it."""

    async def scroll(self, x: float, y: float, *, timeout_seconds: float) -> None:
        """Scroll its content to this position, in CSS pixels from its top left corner."""

    async def fill(
        self, value: str, *, secret: bool, timeout_seconds: float, check: PlaceCheck | None = None
    ) -> None:
        """Replace its value; a secret one is drawn as dots from before the first character.

        In a list to choose from, the option with this label or value is chosen. With `check` the value goes into a
        document of an origin that passes it, or nowhere.
        """

    async def select(self, option: str, *, timeout_seconds: float, check: PlaceCheck | None = None) -> None:
        """Choose the option with this label or value; with `check` as in `fill`."""

    async def press(self, key: str, *, timeout_seconds: float) -> None:
        """Focus it and press a key, named as in `KeyboardEvent.key`."""

    async def check(self, *, on: bool, timeout_seconds: float) -> None:
        """Set a checkbox or radio button."""

    async def upload(
        self,
        files: Sequence[FilePayload] | Sequence[Path],
        *,
        timeout_seconds: float,
        check: PlaceCheck | None = None,
    ) -> None:
        """Put files into a file input; with `check` as in `fill`."""

    async def text(self, *, timeout_seconds: float) -> str:
        """Its text as a person sees it; for a form field, its value."""

    async def records(
        self, each: str | None, fields: Mapping[str, str], *, timeout_seconds: float
    ) -> list[dict[str, str]]:
        """One record for each thing `each` finds in it (itself when None): field names to texts.

        A field is a CSS selector below the record, or `selector@attribute`; what is not there is an empty text.
        """

    async def table(self, *, timeout_seconds: float) -> list[dict[str, str]]:
        """Its rows, each as column heading to text."""

    async def changed(self, *, timeout_seconds: float) -> bool | None:
        """Whether anything that can be seen is another way than before the act, waiting for it up to the timeout.

        None for what lives in the document, which tells that itself.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """A tier's answer: an actor for the one thing that fits, or the reason why it abstains."""

    tier: Tier
    actor: Actor | None = None
    insufficient: Insufficiency | None = None
    candidates: tuple[Candidate, ...] = ()
    milliseconds: float = 0.0
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What else the tier wants kept with the decision."""
    seen: Mapping[str, Any] | None = None
    """The fingerprint of what was found, where the tier took it."""
    as_written: bool = True
    """Whether it was found by the first thing the target says in this representation."""

    def as_decision(self) -> dict[str, Any]:
        """The answer as kept with the step."""
        return {
            "tier": self.tier.value,
            "found": self.actor is not None,
            "reason": self.insufficient.value if self.insufficient else "",
            "candidates": [item.as_json() for item in self.candidates[:10]],
            "milliseconds": round(self.milliseconds, 1),
            **self.facts,
        }


class Worker(Protocol):
    """One tier. It sees one representation of the page and never guesses."""

    @property
    def tier(self) -> Tier:
        """Which representation it reads."""

    def can_try(self, target: Target) -> bool:
        """Whether the target says anything in this tier's representation."""

    async def resolve(self, target: Target, scope: Scope) -> Resolution:
        """Find the one thing, waiting for it up to the scope's timeout; abstain when there is none or several."""

    async def matches(self, target: Target, scope: Scope) -> tuple[Candidate, ...]:
        """Everything visible that fits the target now, without waiting."""
