"""A recorder that keeps everything in lists."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from webgraph.recorder import (
        ArtifactKind,
        Evidence,
        EvidenceGap,
        LogLine,
        Question,
        Resumed,
        StageAnswer,
        StageEnd,
        StageStart,
        StepIntent,
        StepOutcome,
    )


def _allow(step: StepIntent) -> None:
    return None


def _go_on(stage: StageStart) -> StageAnswer:
    return None


@dataclass
class Memory:
    """What an attempt reported. `before_step` may raise, or do something at the start of a step."""

    before_step: Callable[[StepIntent], None] = _allow
    answer_stage: Callable[[StageStart], StageAnswer] = _go_on
    """Decides what a stage's start is answered."""
    answers: list[dict[str, Any] | None] = field(default_factory=list)
    """What a held question is answered, one for each time it is looked for."""
    questions: list[Question] = field(default_factory=list)
    resumptions: list[Resumed] = field(default_factory=list)
    stages: list[StageStart] = field(default_factory=list)
    stage_ends: list[StageEnd] = field(default_factory=list)
    intents: list[StepIntent] = field(default_factory=list)
    outcomes: list[StepOutcome] = field(default_factory=list)
    files: list[Evidence] = field(default_factory=list)
    gaps: list[EvidenceGap] = field(default_factory=list)
    lines: list[LogLine] = field(default_factory=list)

    def stage_started(self, stage: StageStart) -> StageAnswer:
        self.stages.append(stage)
        return self.answer_stage(stage)

    def resumed(self, item: Resumed) -> None:
        self.resumptions.append(item)

    def asked(self, question: Question) -> dict[str, Any] | None:
        self.questions.append(question)
        return self.answers.pop(0) if self.answers else None

    def stage_finished(self, stage: StageEnd) -> None:
        self.stage_ends.append(stage)

    def step_started(self, step: StepIntent) -> None:
        self.intents.append(step)
        self.before_step(step)

    def step_finished(self, step: StepOutcome) -> None:
        self.outcomes.append(step)

    def evidence(self, item: Evidence) -> None:
        self.files.append(item)

    def gap(self, gap: EvidenceGap) -> None:
        self.gaps.append(gap)

    def logged(self, line: LogLine) -> None:
        self.lines.append(line)

    def of(self, kind: ArtifactKind) -> list[Evidence]:
        return [item for item in self.files if item.kind is kind]
