"""Checkpoints: kept behind each finished stage, found again for the next attempt or a rerun, and erased in time."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.db.models import Q

from infra_shared.crypto import DecryptionError
from infra_shared.database import database_now
from runs.errors import InvalidRequestError
from runs.models import Attempt, Checkpoint, Run
from runs.states import TERMINAL_RUNS, RunState
from webgraph import checkpoint as content

if TYPE_CHECKING:
    from automations.models import AutomationVersion

MOST_BYTES = 1024 * 1024
"""A browser that holds more than this is not kept; the attempt goes on after an earlier stage then."""
_AT_ONCE = 500
_log = structlog.get_logger(__name__)


def keep(*, attempt: Attempt, taken: content.Checkpoint) -> None:
    """Keep the newest checkpoint behind a stage, encrypted; part of a transaction of the caller."""
    facts = taken.as_json()
    if len(json.dumps(facts)) > MOST_BYTES:
        _log.warning("checkpoint_too_large", attempt_id=attempt.pk, stage=taken.stage)
        return
    Checkpoint.objects.update_or_create(
        run_id=attempt.run_id,
        position=taken.position,
        defaults={
            "attempt": attempt,
            "stage": taken.stage,
            "content": facts,
            "taken_at": database_now(),
        },
    )


def newest(*, run: Run) -> Checkpoint | None:
    """The checkpoint after which the run's next attempt goes on; None to begin with the first stage."""
    own = run.checkpoints.defer("content").order_by("-position").first()
    if own is not None or not run.from_stage:
        return own
    return _behind(run, _position(run.version, run.from_stage) - 1)


def resume_point(*, run: Run) -> content.Checkpoint | None:
    """The checkpoint an attempt of the run goes on after, as WebGraph takes it; None to begin with the first stage."""
    row = newest(run=run)
    if row is None:
        return None
    try:
        return content.Checkpoint.from_json(row.content.reveal())
    except DecryptionError as error:
        _log.warning("checkpoint_unreadable", run_id=str(run.pk), reason=str(error))
        return None


def stages_to_rerun_from(*, run: Run) -> list[dict[str, str]]:
    """The stages a rerun of an ended run may begin with, beside the first: each has a checkpoint before it."""
    latest = run.automation.latest_version
    if latest is None or not run.is_terminal or not latest.options.get("resume", True):
        return []
    return [
        stage
        for position, stage in enumerate(latest.stages, start=1)
        if position > 1 and _same_before(run.version, latest, position) and _behind(run, position - 1)
    ]


def check_from_stage(*, run: Run, stage: str) -> None:
    """Raise InvalidRequestError, which says what is possible, unless a rerun of the run may begin with the stage."""
    possible = [item["name"] for item in stages_to_rerun_from(run=run)]
    if stage in possible:
        return
    words = f"It may begin with {', '.join(possible)}." if possible else "Nothing is kept to begin later."
    raise InvalidRequestError("from_stage", f"A rerun cannot begin with {stage!r}. {words}")


def erase_old() -> int:
    """Erase the checkpoints of runs that ended longer ago than CHECKPOINT_DAYS; returns how many."""
    before = database_now() - timedelta(days=settings.CHECKPOINT_DAYS)
    ended = Q(run__state__in=sorted(TERMINAL_RUNS), run__finished_at__lt=before)
    mended = Q(run__state=RunState.SUCCEEDED)
    old = Checkpoint.objects.filter(ended | mended).values_list("pk", flat=True)[:_AT_ONCE]
    erased, _ = Checkpoint.objects.filter(pk__in=list(old)).delete()
    return erased


def _behind(run: Run, position: int) -> Checkpoint | None:
    """The checkpoint behind a stage: the run's own, or that of the run it went on with."""
    row = run.checkpoints.defer("content").filter(position=position).first()
    if row is None and run.from_stage and run.rerun_of is not None:
        return _behind(run.rerun_of, position)
    return row


def _same_before(old: AutomationVersion, new: AutomationVersion, position: int) -> bool:
    """Whether the stages before a position are the same in two versions, in name and effect."""

    def before(version: AutomationVersion) -> list[tuple[Any, Any]]:
        return [(item["name"], item["effect"]) for item in version.stages[: position - 1]]

    return before(old) == before(new)


def _position(version: AutomationVersion, stage: str) -> int:
    return [item["name"] for item in version.stages].index(stage) + 1
