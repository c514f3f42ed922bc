"""What one attempt may spend: steps, time, steps that had to be solved by sight, and tokens of a model."""

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
    model_tokens: int = 20_000
    clock: Callable[[], float] = monotonic

    steps_spent: int = 0
    vision_steps_spent: int = 0
    model_tokens_spent: int = 0
    started: float = 0.0
    _looked_in_step: int | None = None

    def begin(self) -> None:
        """Start the clock."""
        self.started = self.clock()

    @property
    def seconds_left(self) -> float:
        """Time left for the attempt, never below 0."""
        return max(0.0, self.started + self.seconds - self.clock())

    @property
    def may_ask_model(self) -> bool:
        """Whether a model may be asked once more. What it takes is known only afterwards, so the last one may pass it."""
        return self.model_tokens_spent < self.model_tokens

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

    def take_look(self) -> bool:
        """Spend one vision step for the step at hand; False when there is none left.

        However often a step looks while it waits, it is one vision step.
        """
        if self._looked_in_step == self.steps_spent:
            return True
        if self.vision_steps_spent >= self.vision_steps:
            return False
        self.vision_steps_spent += 1
        self._looked_in_step = self.steps_spent
        return True

    def take_tokens(self, tokens: int) -> None:
        """Spend what a model's answer took."""
        self.model_tokens_spent += tokens
