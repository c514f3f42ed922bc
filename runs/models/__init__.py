"""The tables of what was asked and what happened."""

from __future__ import annotations

from runs.models.artifact import Artifact, ArtifactQuerySet
from runs.models.attempt import Attempt, AttemptQuerySet, AttemptStage, Step
from runs.models.bulk_order import BulkItem, BulkKind, BulkOrder, BulkOrderQuerySet, BulkOutcome
from runs.models.checkpoint import Checkpoint
from runs.models.commit_guard import CommitGuard, CommitOutcome
from runs.models.demand import Demand
from runs.models.limit import Limit
from runs.models.node import DispatcherProcess, Node, WorkerProcess, WorkerProcessQuerySet
from runs.models.occurrence import Occurrence, OccurrenceState
from runs.models.pause import EVERYTHING, Pause
from runs.models.question import Question
from runs.models.retention import RetentionRule, StorageDay, StorageDayQuerySet, StorageQuota
from runs.models.rollup import AutomationHealth, FailureFamily, HourFigures
from runs.models.run import Run, RunQuerySet
from runs.models.run_import import RunImport
from runs.models.run_secrets import RunSecrets
from runs.models.site import Breaker, Site, SiteQuerySet
from runs.models.slot import Slot
from runs.models.transition import Transition

__all__ = [
    "EVERYTHING",
    "Artifact",
    "ArtifactQuerySet",
    "Attempt",
    "AttemptQuerySet",
    "AttemptStage",
    "AutomationHealth",
    "Breaker",
    "BulkItem",
    "BulkKind",
    "BulkOrder",
    "BulkOrderQuerySet",
    "BulkOutcome",
    "Checkpoint",
    "CommitGuard",
    "CommitOutcome",
    "Demand",
    "DispatcherProcess",
    "FailureFamily",
    "HourFigures",
    "Limit",
    "Node",
    "Occurrence",
    "OccurrenceState",
    "Pause",
    "Question",
    "RetentionRule",
    "Run",
    "RunImport",
    "RunQuerySet",
    "RunSecrets",
    "Site",
    "SiteQuerySet",
    "Slot",
    "Step",
    "StorageDay",
    "StorageDayQuerySet",
    "StorageQuota",
    "Transition",
    "WorkerProcess",
    "WorkerProcessQuerySet",
]
