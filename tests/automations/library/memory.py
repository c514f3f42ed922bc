"""A recorder that remembers what an attempt reported."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from webgraph.recorder import (
        Evidence,
        EvidenceGap,
        StageEnd,
        StageStart,
        StepIntent,
        StepOutcome,
    )


@dataclass
class Memory:
    """A recorder that keeps everything in lists."""

    stages: list[StageStart | StageEnd] = field(default_factory=list)
    intents: list[StepIntent] = field(default_factory=list)
    outcomes: list[StepOutcome] = field(default_factory=list)
    files: list[Evidence] = field(default_factory=list)
    gaps: list[EvidenceGap] = field(default_factory=list)

    def stage_started(self, stage: StageStart) -> None:
        self.stages.append(stage)

    def stage_finished(self, stage: StageEnd) -> None:
        self.stages.append(stage)

    def step_started(self, step: StepIntent) -> None:
        self.intents.append(step)

    def step_finished(self, step: StepOutcome) -> None:
        self.outcomes.append(step)

    def evidence(self, item: Evidence) -> None:
        self.files.append(item)

    def gap(self, gap: EvidenceGap) -> None:
        self.gaps.append(gap)
