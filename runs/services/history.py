"""Finished history, written in bulk: for the demo, benchmarks and import.

The one place beside `runs.lifecycle` that writes a status, because it writes runs that ended long ago: with their
attempts, steps, transition rows and figures, a batch in one transaction. A run that arrives from elsewhere comes with all it
left, and counts in no figure here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models, transaction

from infra_shared.ids import uuid7_at
from runs.models import Artifact, Attempt, AttemptStage, Question, Run, Step, Transition
from runs.services import past_figures
from runs.states import FAILED_RUNS, TERMINAL_ATTEMPTS, AttemptState, Cause, RunState
from webgraph.recorder import Effect

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

    from automations.models import AutomationVersion, Customer
    from runs.services.bundle_format import Bundle
    from runs.services.past_runs import PastRun

BATCH = 1000
ACTOR = "history"
_ATTEMPT_END = {
    RunState.SUCCEEDED: AttemptState.SUCCEEDED,
    RunState.FAILED: AttemptState.FAILED,
    RunState.TIMED_OUT: AttemptState.TIMED_OUT,
    RunState.CANCELLED: AttemptState.CANCELLED,
    RunState.WAITING_INPUT: AttemptState.LOST,
}


def insert_history(past: Iterable[PastRun]) -> int:
    """Write past runs, in batches of one transaction each; returns how many."""
    rows, written = iter(past), 0
    while batch := list(islice(rows, BATCH)):
        _insert(batch)
        written += len(batch)
    return written


@transaction.atomic
def _insert(batch: Sequence[PastRun]) -> None:
    runs = Run.objects.bulk_create([_run(past) for past in batch])
    pairs = list(zip(runs, batch, strict=True))
    attempts = Attempt.objects.bulk_create([_attempt(run, past) for run, past in pairs])
    moves = [
        move
        for attempt, (run, past) in zip(attempts, pairs, strict=True)
        for move in _moves(run, attempt, past)
    ]
    Transition.objects.bulk_create(moves)
    for attempt, past in zip(attempts, batch, strict=True):
        if past.steps:
            _insert_steps(attempt, past)
        if past.commit_stage:
            _begin_commit(attempt, past)
    past_figures.add(pairs)


def _run(past: PastRun) -> Run:
    ended = past.state != RunState.WAITING_INPUT
    return Run(
        id=uuid7_at(past.created_at),
        automation_id=past.version.automation_id,
        version=past.version,
        customer=past.customer,
        queue=past.version.option("queue"),
        params=past.params,
        evidence_level=past.version.option("evidence"),
        cause=past.cause,
        cause_ref=past.cause_ref,
        requested_by=past.requested_by,
        state=past.state,
        state_reason=past.failure_message[:500],
        failure_kind=past.failure_kind,
        failure_message=past.failure_message,
        failed_stage=past.failed_stage,
        attempts_made=1,
        max_attempts=past.version.option("max_attempts"),
        result=past.result,
        created_at=past.created_at,
        started_at=past.started_at,
        finished_at=past.ended_at if ended else None,
        expires_at=past.created_at + timedelta(days=1),
    )


def _attempt(run: Run, past: PastRun) -> Attempt:
    return Attempt(
        run=run,
        number=1,
        state=_ATTEMPT_END[past.state],
        fence=1,
        queue=run.queue,
        due_at=past.created_at,
        ticketed_at=past.created_at,
        worker_name=ACTOR,
        executed_version=past.version,
        created_at=past.created_at,
        started_at=past.started_at,
        deadline_at=past.started_at + timedelta(seconds=past.version.option("deadline_seconds")),
        finished_at=past.ended_at,
        failure_kind=past.failure_kind,
        failure_message=past.failure_message,
        failed_stage=past.failed_stage,
    )


def _moves(run: Run, attempt: Attempt, past: PastRun) -> Iterable[Transition]:
    life = [("", past.created_at), (RunState.QUEUED, past.created_at), (RunState.RUNNING, past.started_at)]
    if past.state == RunState.CANCELLED:
        life.append((RunState.CANCELLING, past.ended_at))
    life.append((past.state, past.ended_at))
    tries = [
        *life[:3],
        (attempt.state, past.ended_at),
    ]  # the first states of a run and of an attempt are alike
    for of, states in ((None, life), (attempt, tries)):
        for (begin, _), (to, at) in pairwise(states):
            yield Transition(run=run, attempt=of, from_state=begin, to_state=to, actor=ACTOR, at=at)


def _insert_steps(attempt: Attempt, past: PastRun) -> None:
    at = past.started_at
    rows, copies = [], []
    for index, step in enumerate(past.steps, start=1):
        ended = at + timedelta(seconds=step.seconds)
        row = Step(
            attempt=attempt,
            index=index,
            stage=step.stage,
            action=step.action,
            description=step.description,
            started_at=at,
            finished_at=ended if step.ended else None,
            duration_seconds=step.seconds if step.ended else None,
            succeeded=step.succeeded if step.ended else None,
            tier="dom" if step.ended else "",
            url=step.url,
            failure_kind=step.failure_kind,
            message=step.message,
        )
        rows.append(row)
        copies += [(row, artifact, ended) for artifact in step.artifacts]
        at = ended
    Step.objects.bulk_create(rows)
    Artifact.objects.bulk_create([_copy(row, artifact, moment) for row, artifact, moment in copies])


def _begin_commit(attempt: Attempt, past: PastRun) -> None:
    AttemptStage.objects.create(
        attempt=attempt,
        position=len(past.version.stages),
        name=past.commit_stage,
        effect=Effect.COMMIT.value,
        started_at=past.started_at,
    )


def _copy(step: Step, artifact: Artifact, at: datetime) -> Artifact:
    return Artifact(
        id=uuid7_at(at),
        run_id=step.attempt.run_id,
        attempt=step.attempt,
        step=step,
        stage=step.stage,
        kind=artifact.kind,
        name=artifact.name,
        content_type=artifact.content_type,
        size_bytes=artifact.size_bytes,
        blob_id=artifact.blob_id,
        missing_reason=artifact.missing_reason,
        meta=artifact.meta,
        captured_at=at,
        created_at=at,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Where a run from elsewhere is put: what stands here for its version, its customer, its ids and its bytes.

    `blobs` are the digests that are in the store; an artifact whose bytes are not there is missing for `missing_reason`.
    """

    run_id: UUID
    customer: Customer
    version: AutomationVersion
    actor: str
    now: datetime
    pinned: bool
    blobs: frozenset[str]
    artifact_ids: Mapping[UUID, UUID]
    missing_reason: str


@transaction.atomic
def insert_arrival(bundle: Bundle, arrival: Arrival) -> Run:
    """Write a finished run that happened elsewhere, with everything it left.

    Raises ValidationError for a value that no row may have, DataError and IntegrityError for what contradicts itself.
    """
    run = _arrived_run(bundle, arrival)
    run.save(force_insert=True)
    attempts = {part.facts.number: _arrived_attempt(run, part, bundle, arrival) for part in bundle.attempts}
    _save(Attempt, attempts.values())
    steps: dict[tuple[int, int], Step] = {}
    for part in bundle.attempts:
        attempt = attempts[part.facts.number]
        _save(AttemptStage, [AttemptStage(attempt=attempt, **dict(stage)) for stage in part.stages])
        steps |= {(attempt.number, row.index): Step(attempt=attempt, **dict(row)) for row in part.steps}
    _save(Step, steps.values())
    _save(
        Transition,
        [
            Transition(run=run, **{**dict(move), "attempt": _at(attempts, move.attempt)})
            for move in bundle.transitions
        ],
    )
    _save(
        Question,
        [
            Question(run=run, attempt=_at(attempts, part.attempt), **part.facts.model_dump(by_alias=True))
            for part in bundle.questions
        ],
    )
    _insert_artifacts(run, bundle, arrival, attempts, steps)
    return run


def _arrived_run(bundle: Bundle, arrival: Arrival) -> Run:
    facts = dict(bundle.run.facts)
    unresolved = facts["state"] in FAILED_RUNS and facts["resolved_at"] is None
    if unresolved:
        # Whoever must see to it works where it ran.
        facts |= {"resolved_at": arrival.now, "resolved_by": arrival.actor, "resolution_note": "Imported."}
    if arrival.pinned:
        facts |= {"pinned_at": arrival.now, "pinned_by": arrival.actor}
    run = Run(
        id=arrival.run_id,
        automation_id=arrival.version.automation_id,
        version=arrival.version,
        customer=arrival.customer,
        cause=Cause.IMPORT,
        cause_ref=f"{bundle.run.cause} {bundle.run.cause_ref}".strip()[:200],
        requested_by=arrival.actor,
        **facts,
    )
    check_columns(run)
    return run


def _arrived_attempt(run: Run, part: Any, bundle: Bundle, arrival: Arrival) -> Attempt:
    if part.facts.state not in TERMINAL_ATTEMPTS:
        raise ValidationError(f"attempt {part.facts.number} has not ended")
    same = part.executed == bundle.ran.digest
    return Attempt(run=run, executed_version=arrival.version if same else None, **dict(part.facts))


def _insert_artifacts(
    run: Run,
    bundle: Bundle,
    arrival: Arrival,
    attempts: Mapping[int, Attempt],
    steps: Mapping[tuple[int, int], Step],
) -> None:
    rows = []
    for part in bundle.artifacts:
        facts = dict(part.facts)
        is_here = part.digest in arrival.blobs
        if part.digest is not None and not is_here:
            facts["missing_reason"] = arrival.missing_reason
        attempt = _at(attempts, part.attempt)
        step = None if part.step is None or part.attempt is None else _at(steps, (part.attempt, part.step))
        rows.append(
            Artifact(
                id=arrival.artifact_ids[part.id],
                run=run,
                attempt=attempt,
                step=step,
                blob_id=part.digest if is_here else None,
                **facts,
            )
        )
    _save(Artifact, rows)
    result = bundle.run.result_artifact
    if result is not None and result in arrival.artifact_ids:
        Run.objects.filter(pk=run.pk).update(result_artifact=arrival.artifact_ids[result])


def _at(rows: Mapping[Any, Any], key: Any) -> Any:
    """The row of a number, None for none; ValidationError when the bundle has no such row."""
    if key is None:
        return None
    if key not in rows:
        raise ValidationError(f"there is no {key}")
    return rows[key]


def _save(model: type[models.Model], rows: Iterable[Any]) -> None:
    listed = list(rows)
    for row in listed:
        check_columns(row)
    model._default_manager.bulk_create(listed)  # noqa: SLF001 - Django documents it


def check_columns(row: models.Model) -> None:
    """ValidationError for what the columns do not take: SQLite would take any length and any word."""
    for field in row._meta.concrete_fields:  # noqa: SLF001 - Django documents it
        value = getattr(row, field.attname)
        if field.is_relation or value in field.empty_values:
            continue
        field.clean(value, row)
