"""One step as it is planned and carried out: its words, its time, and what its act is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra_shared.clock import monotonic
from webgraph.workers.base import Need

if TYPE_CHECKING:
    from webgraph.conditions import Condition
    from webgraph.escalation import Finder
    from webgraph.target import Target
    from webgraph.workers.base import Actor


class StepClock:
    """How much of a step's time is left."""

    def __init__(self, seconds: float) -> None:
        self._deadline = monotonic() + seconds

    def extend(self, seconds: float) -> None:
        """Give time back that passed with something else than the page."""
        self._deadline += seconds

    @property
    def left(self) -> float:
        """Seconds left; never 0, which to Playwright would mean without end."""
        return max(0.05, self._deadline - monotonic())


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What an act is given: the thing that was found (None for a step without a target) and the time that is left."""

    actor: Actor | None
    clock: StepClock
    finder: Finder
    index: int

    @property
    def on(self) -> Actor:
        """The thing that was found."""
        assert self.actor is not None
        return self.actor


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPlan:
    """What one step is: its words, what it acts on, what must be true afterwards.

    `changes` says that the act may navigate, so that the page is given time to load before it is looked at.
    `reads` says that it may be repeated when the page was replaced under it.
    """

    action: str
    description: str
    target: Target | None = None
    need: Need = Need.ACT
    then: Condition | None = None
    timeout_seconds: float | None = None
    changes: bool = False
    reads: bool = False
    wait_seconds: float = 0.0
    """How much longer the act may take for something that is not on the page."""

    @property
    def framed(self) -> bool:
        """Whether it acts on something inside an iframe."""
        return bool(self.target and self.target.frame)
