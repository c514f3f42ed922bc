"""Failures that look alike, handled together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from automations.errors import ParamsInvalidError
from runs.errors import RunsError
from runs.families import digest, normalised
from runs.models import Run
from runs.services.reruns import rerun
from runs.states import TERMINAL_RUNS

if TYPE_CHECKING:
    from runs.models import FailureFamily
    from runs.services.requests import Origin

MOST = 100


@dataclass(frozen=True, slots=True)
class FamilyRerun:
    """What became of a request to rerun a family: the new runs, and why some could not be made."""

    made: list[Run]
    refused: list[str]


def open_runs(*, family: FailureFamily, most: int = MOST) -> list[Run]:
    """The open failures of a family that nobody is rerunning at the moment, the newest first, at most `most`."""
    rows = Run.objects.open_failures().filter(
        automation_id=family.automation_id,
        customer_id=family.customer_id,
        failed_stage=family.stage,
        failure_kind=family.failure_kind,
    )
    in_progress = Run.objects.filter(rerun_of__isnull=False).exclude(state__in=TERMINAL_RUNS)
    rows = rows.exclude(pk__in=in_progress.values("rerun_of_id"))
    found = []
    # The normalised message is no column: it is taken from each message until there are enough.
    for run in rows.select_related("automation", "customer").order_by("-id").iterator(chunk_size=most):
        if digest(normalised(run.failure_message)) == family.digest:
            found.append(run)
        if len(found) == most:
            break
    return found


def rerun_family(*, family: FailureFamily, origin: Origin, most: int = MOST) -> FamilyRerun:
    """Rerun the open failures of a family with their own params, each in a transaction of its own.

    A failure whose rerun is still at work is left alone, so asking twice makes nothing twice.
    """
    made, refused = [], []
    for run in open_runs(family=family, most=most):
        try:
            made.append(rerun(run=run, origin=origin).run)
        except (RunsError, ParamsInvalidError) as error:
            refused.append(f"{run.short_id}: {error}")
    return FamilyRerun(made, refused)
