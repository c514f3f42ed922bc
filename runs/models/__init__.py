"""The tables of what was asked and what happened."""

from __future__ import annotations

from runs.models.artifact import Artifact, ArtifactQuerySet
from runs.models.attempt import Attempt, AttemptQuerySet, AttemptStage, Step
from runs.models.node import Node, WorkerProcess, WorkerProcessQuerySet
from runs.models.occurrence import Occurrence, OccurrenceState
from runs.models.rollup import AutomationHealth, FailureFamily, HourFigures
from runs.models.run import Run, RunQuerySet
from runs.models.slot import Slot
from runs.models.transition import Transition

__all__ = [
    "Artifact",
    "ArtifactQuerySet",
    "Attempt",
    "AttemptQuerySet",
    "AttemptStage",
    "AutomationHealth",
    "FailureFamily",
    "HourFigures",
    "Node",
    "Occurrence",
    "OccurrenceState",
    "Run",
    "RunQuerySet",
    "Slot",
    "Step",
    "Transition",
    "WorkerProcess",
    "WorkerProcessQuerySet",
]
