"""What one attempt may spend: steps, time, and steps that had to be solved by sight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra_shared.clock import monotonic
from webgraph.errors import StepTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(slots=True, kw_only=True)
class Budget:
    """Limits of one attempt and what is spent of them. Vision steps are counted apart from the others."""

    steps: int = 2000
    seconds: float = 300.0
    vision_steps: int = 10
    clock: Callable[[], float] = monotonic

    steps_spent: int = 0
    vision_steps_spent: int = 0
    started: float = 0.0

    def begin(self) -> None:
        """Start the clock."""
        self.started = self.clock()

    @property
    def seconds_left(self) -> float:
        """Time left for the attempt, never below 0."""
        return max(0.0, self.started + self.seconds - self.clock())

    @property
    def may_look(self) -> bool:
        """Whether another step may be solved by sight."""
        return self.vision_steps_spent < self.vision_steps

    def take_step(self) -> int:
        """Spend one step and return its number, counted from 1."""
        if self.steps_spent >= self.steps:
            msg = (
                f"The attempt made {self.steps} steps, which is its limit; it may be going round in circles."
            )
            raise StepTimeoutError(msg, permanent=True)
        if self.seconds_left == 0:
            msg = f"The attempt did not finish within its {self.seconds:.0f} seconds."
            raise StepTimeoutError(msg)
        self.steps_spent += 1
        return self.steps_spent

    def take_look(self) -> None:
        """Spend one vision step."""
        self.vision_steps_spent += 1
