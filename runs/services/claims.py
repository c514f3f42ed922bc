"""Claiming an attempt: the ticket is a hint, this compare-and-set is the truth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db import transaction

from infra_shared.database import database_now
from runs import lifecycle
from runs.errors import LostClaimError
from runs.models import Attempt, WorkerProcess
from runs.services.gates import is_paused
from runs.services.slots import free_slots
from runs.states import AttemptState, RunState

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from uuid import UUID

    from automations.models import AutomationVersion

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on an attempt: every later write carries its fence. `attempt.run` is loaded."""

    attempt: Attempt
    fence: int


def claim_attempt(
    *, attempt_id: int, process_id: UUID, process_name: str, versions: Collection[str]
) -> Claim | None:
    """Take a queued attempt for this worker process; None when the ticket is stale, early or for other code.

    `versions` are the digests this process can run.
    """
    attempt = (
        Attempt.objects.select_related("run__version__automation", "run__customer")
        .filter(pk=attempt_id)
        .first()
    )
    if attempt is None or attempt.state != AttemptState.QUEUED or attempt.due_at > database_now():
        return None
    version = attempt.run.version
    if version.digest not in versions and not version.runs_on_any_node:
        log.warning("claim_refused_version", attempt_id=attempt_id, wanted=str(version))
        return None
    if is_paused(attempt.run):
        return _put_back(attempt)
    with transaction.atomic():
        now = database_now()  # in here: who waited for SQLite's write lock begins when the lock is had
        ends_by = attempt.run.ends_by or _end_of_run(version, now)
        claimed = lifecycle.move_attempt(
            attempt,
            AttemptState.RUNNING,
            actor=f"worker:{process_name}",
            reason="claimed",
            now=now,
            fence=attempt.fence + 1,
            worker_id=process_id,
            worker_name=process_name,
            started_at=now,
            deadline_at=_deadline(version, now, ends_by),
        )
        claimed = claimed and lifecycle.move_run(
            attempt.run,
            RunState.RUNNING,
            actor=f"worker:{process_name}",
            reason=f"attempt {attempt.number} began",
            now=now,
            only_from=(RunState.QUEUED,),
            started_at=attempt.run.started_at or now,
            ends_by=ends_by,
        )
        if not claimed:
            transaction.set_rollback(True)
            return None
        WorkerProcess.objects.filter(pk=process_id).update(
            current_attempt=attempt, heartbeat_at=now, lease_expires_at=now + settings.LEASE
        )
    return Claim(attempt=attempt, fence=attempt.fence)


def _deadline(version: AutomationVersion, now: datetime, ends_by: datetime | None) -> datetime:
    """When an attempt that begins now must end: by its own deadline, and by that of the whole run."""
    longest = min(timedelta(seconds=version.option("deadline_seconds")), settings.LONGEST_ATTEMPT)
    return now + longest if ends_by is None else min(now + longest, ends_by)


def _end_of_run(version: AutomationVersion, now: datetime) -> datetime | None:
    seconds = version.options.get("run_deadline_seconds")
    return now + timedelta(seconds=seconds) if seconds else None


@transaction.atomic
def _put_back(attempt: Attempt) -> None:
    """Void the ticket of an attempt that was paused while it was under way, and give back what it holds."""
    queued = Attempt.objects.select_for_update().filter(pk=attempt.pk, state=AttemptState.QUEUED)
    if queued.filter(fence=attempt.fence).exists():
        queued.update(ticketed_at=None)
        free_slots(attempt=attempt)


def release_process(*, process_id: UUID) -> None:
    """Say that a worker process has nothing in hand."""
    WorkerProcess.objects.filter(pk=process_id).update(current_attempt=None)


def locked_attempt(claim: Claim) -> Attempt:
    """The claimed attempt, locked for a write in the current transaction; LostClaimError when it moved on.

    The lock makes the fence exact: nobody can take the attempt away between this check and the commit.
    """
    row = (
        Attempt.objects.select_for_update(no_key=True, of=("self",))
        .filter(pk=claim.attempt.pk, state=AttemptState.RUNNING, fence=claim.fence)
        .first()
    )
    if row is None:
        raise LostClaimError(f"Attempt {claim.attempt.pk} is no longer held with fence {claim.fence}.")
    return row


def stop_reason(claim: Claim) -> str | None:
    """Why the holder should stop now: "lease_lost", "cancelled", "deadline"; None to go on."""
    facts = (
        Attempt.objects.filter(pk=claim.attempt.pk, state=AttemptState.RUNNING, fence=claim.fence)
        .values_list("run__state", "deadline_at")
        .first()
    )
    if facts is None:
        return "lease_lost"
    state, deadline_at = facts
    if state == RunState.CANCELLING:
        return "cancelled"
    return "deadline" if deadline_at is not None and deadline_at <= database_now() else None
