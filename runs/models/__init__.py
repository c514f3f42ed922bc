"""The tables of what was asked and what happened."""

from __future__ import annotations

from runs.models.artifact import Artifact, ArtifactQuerySet
from runs.models.attempt import Attempt, AttemptQuerySet, AttemptStage, Step
from runs.models.bulk_order import BulkItem, BulkKind, BulkOrder, BulkOrderQuerySet, BulkOutcome
from runs.models.checkpoint import Checkpoint
from runs.models.commit_guard import CommitGuard, CommitOutcome
from runs.models.node import Node, WorkerProcess, WorkerProcessQuerySet
from runs.models.occurrence import Occurrence, OccurrenceState
from runs.models.question import Question
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
    "BulkItem",
    "BulkKind",
    "BulkOrder",
    "BulkOrderQuerySet",
    "BulkOutcome",
    "Checkpoint",
    "CommitGuard",
    "CommitOutcome",
    "FailureFamily",
    "HourFigures",
    "Node",
    "Occurrence",
    "OccurrenceState",
    "Question",
    "Run",
    "RunQuerySet",
    "Slot",
    "Step",
    "Transition",
    "WorkerProcess",
    "WorkerProcessQuerySet",
]
