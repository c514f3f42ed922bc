"""Everything the run page shows, read once."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Count
from django.utils import timezone

from automations.forms.params import titles_of
from automations.forms.schemas import in_written_order, params_schema_of
from infra_shared.blobs.protocol import BlobError
from infra_shared.templatetags.console import words
from runs.admin import evidence, wording
from runs.errors import NoResultError, ResultPendingError
from runs.models import Attempt, Question, Run, Step, Transition
from runs.services.result_formats import rows_of
from runs.services.results import result_of
from runs.states import AttemptState, RunState

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from runs.admin.evidence import AttemptView, Picture
    from runs.admin.wording import Reference

ROWS_SHOWN = 25
LINEAGE_SHOWN = 20
MOVES_SHOWN = 60


@dataclass(frozen=True, slots=True)
class ResultTable:
    """A result as people read it: single values, and the rows of its one list."""

    values: list[tuple[str, Any]]
    columns: list[str]
    rows: list[list[Any]]
    row_count: int
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ParamView:
    """One param of the run, beside its value in the run this one repeats."""

    title: str
    value: Any
    earlier: Any
    is_changed: bool
    files: list[evidence.File]


@dataclass(frozen=True, slots=True)
class RunPage:
    """What the run page's templates read."""

    run: Run
    headline: str
    sentence: str
    failed_stage: str
    cause: Reference
    waits_for: Reference | None
    next_action: str
    next_at: datetime | None
    duration: timedelta | None
    attempts: list[Attempt]
    begun: list[Attempt]
    shown: AttemptView | None
    decisive: Picture | None
    sibling: Picture | None
    result: ResultTable | None
    params: list[ParamView]
    answered: list[Question]
    lineage: list[Run]
    moves: list[Transition]
    stamp: str


def read_run_page(run: Run, *, attempt_number: int | None = None) -> RunPage:
    """The page of one run, showing the given attempt or the newest that began."""
    titles = wording.stage_titles(run)
    attempts = list(run.attempts.select_related("executed_version__automation").order_by("number"))
    shown = _shown(attempts, attempt_number)
    view = evidence.read_attempt(shown, titles) if shown is not None else None
    next_action, next_at = _next(run, attempts)
    return RunPage(
        run=run,
        headline=wording.headline(run),
        sentence=wording.failure_sentence(run),
        failed_stage=titles.get(run.failed_stage, run.failed_stage),
        cause=wording.cause(run),
        waits_for=_waited_for(run),
        next_action=next_action,
        next_at=next_at,
        duration=evidence.duration_of(run, timezone.now()),
        attempts=attempts,
        begun=[attempt for attempt in attempts if attempt.started_at is not None],
        shown=view,
        decisive=view.decisive if view is not None else None,
        sibling=evidence.last_success(run, view),
        result=read_result(run),
        params=_params(run),
        answered=list(run.questions.exclude(answered_by="").order_by("pk")),
        lineage=_lineage(run),
        moves=list(run.transitions.select_related("attempt").order_by("-id")[:MOVES_SHOWN]),
        stamp=stamp_of(run),
    )


def stamp_of(run: Run) -> str:
    """A short text that differs whenever the page would: so polling sends nothing while nothing happens."""
    steps = Step.objects.filter(attempt__run=run).aggregate(begun=Count("id"), ended=Count("finished_at"))
    facts = [run.state, steps, run.artifacts.count(), run.transitions.count()]
    text = json.dumps(facts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_result(run: Run) -> ResultTable | None:
    """The result as a table; None when there is none."""
    try:
        result = result_of(run=run)
    except (NoResultError, ResultPendingError):
        return None
    except BlobError as error:
        return ResultTable([], [], [], 0, problem=str(error))
    lists = [name for name, value in result.items() if isinstance(value, list)]
    rows = rows_of(result) if len(lists) == 1 else []
    single = [name for name in result if not (rows and name == lists[0])]
    values = [(words(name), result[name]) for name in in_written_order(single, run.version)]
    names = dict.fromkeys(name for row in rows[:ROWS_SHOWN] for name in row)
    columns = in_written_order(names, run.version)
    cells = [[row.get(column) for column in columns] for row in rows[:ROWS_SHOWN]]
    return ResultTable(values, columns, cells, len(rows))


def _shown(attempts: list[Attempt], number: int | None) -> Attempt | None:
    """The attempt asked for; else the newest that began, so a queued retry does not hide what was seen."""
    wanted = [attempt for attempt in attempts if attempt.number == number]
    began = [attempt for attempt in attempts if attempt.started_at is not None]
    return next(iter(wanted), None) or (began[-1] if began else None)


def _next(run: Run, attempts: list[Attempt]) -> tuple[str, datetime | None]:
    """What happens next by itself, and when; empty once the run has ended."""
    waiting = next((attempt for attempt in attempts if attempt.state == AttemptState.QUEUED), None)
    if waiting is None:
        return (
            ("It ends as soon as the step at work is done", None)
            if run.state == RunState.CANCELLING
            else ("", None)
        )
    if waiting.waits_for_id is not None:
        return "Goes on when that is known. Gives up", run.expires_at
    count = f"attempt {waiting.number}" + (f" of at most {run.max_attempts}" if run.max_attempts > 1 else "")
    if waiting.due_at > timezone.now():
        return f"Next: {count}, not before", waiting.due_at
    return f"Next: {count}, as soon as a worker is free. Gives up", run.expires_at


def _waited_for(run: Run) -> Reference | None:
    """The run that has to say first what became of its commit."""
    guard = wording.commit_waited_for(run)
    if guard is None or guard.run_id is None:
        return None
    return wording.Reference(f"Go to {guard.where}", wording.run_url(guard.run_id))


def _params(run: Run) -> list[ParamView]:
    titles = titles_of(params_schema_of(run.version))
    given = evidence.read_inputs(run)
    earlier = run.rerun_of.params if run.rerun_of is not None else run.params
    names = dict.fromkeys([*titles, *run.params, *earlier])
    return [
        ParamView(
            titles.get(name) or words(name),
            run.params.get(name),
            earlier.get(name),
            run.params.get(name) != earlier.get(name),
            given.get(name, []),
        )
        for name in names
        if name in run.params or name in earlier
    ]


def _lineage(run: Run) -> list[Run]:
    """The first run of the family and its reruns, oldest first; empty without reruns."""
    root_id = run.root_id or run.pk
    family = list(Run.objects.filter(root_id=root_id).order_by("-id")[:LINEAGE_SHOWN])
    if not family:
        return []
    first = Run.objects.filter(pk=root_id).first()
    return [row for row in (first, *reversed(family)) if row is not None]
