"""Runs that ended before this system knew of them: what `insert_history` writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runs.states import Cause

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from automations.models import AutomationVersion, Customer
    from runs.models import Artifact
    from runs.states import RunState


@dataclass(frozen=True, slots=True, kw_only=True)
class PastStep:
    """One step of a past attempt. `artifacts` are rows to copy (kind, name, bytes and all).

    A step that is not `ended` was under way when its worker was lost.
    """

    stage: str
    action: str
    description: str
    seconds: float
    url: str = ""
    succeeded: bool = True
    message: str = ""
    failure_kind: str = ""
    ended: bool = True
    artifacts: Sequence[Artifact] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """A run that ended, with one attempt. `state` is terminal, or waiting_input."""

    version: AutomationVersion
    customer: Customer
    created_at: datetime
    waited: timedelta
    took: timedelta
    state: RunState
    params: dict[str, Any]
    cause: Cause = Cause.SCHEDULE
    cause_ref: str = ""
    requested_by: str = "dispatcher"
    failure_kind: str = ""
    failure_message: str = ""
    failed_stage: str = ""
    result: dict[str, Any] | None = None
    steps: Sequence[PastStep] = ()
    commit_stage: str = ""
    """The commit stage that was begun and whose end is unknown, for a run that waits for a person."""

    @property
    def started_at(self) -> datetime:
        """When its attempt began."""
        return self.created_at + self.waited

    @property
    def ended_at(self) -> datetime:
        """When its attempt ended."""
        return self.started_at + self.took
