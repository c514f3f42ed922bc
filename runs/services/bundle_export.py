"""A finished run as the document `bundle.json` of its archive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runs.services.bundle_format import (
    ArtifactFacts,
    ArtifactPart,
    AttemptFacts,
    AttemptPart,
    Bundle,
    QuestionFacts,
    QuestionPart,
    RunFacts,
    RunPart,
    StagePart,
    StepPart,
    TransitionPart,
    VersionPart,
)
from runs.services.run_archive import named
from runs.services.run_secrets import hidden_params

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runs.models import Artifact, Attempt, Question, Run, Transition


def bundle_of(*, run: Run, artifacts: Sequence[Artifact]) -> Bundle:
    """The run that ended, with all its rows and the names its files have in the archive; no secret is in it.

    `run` is fetched with automation, version and customer, `artifacts` in the order in which they go into the archive.
    """
    files = list(named(artifacts))
    questions = list(run.questions.select_related("attempt").order_by("pk"))
    attempts = run.attempts.select_related("executed_version").prefetch_related("stages", "steps")
    return Bundle(
        automation=run.automation.key,
        title=run.automation.title,
        customer=run.customer.key,
        ran=VersionPart.model_validate(run.version),
        run=RunPart(
            id=run.pk,
            facts=RunFacts.model_validate(run),
            cause=run.cause,
            cause_ref=run.cause_ref,
            requested_by=run.requested_by,
            rerun_of=run.rerun_of_id,
            result_artifact=run.result_artifact_id,
        ),
        attempts=[_attempt(attempt) for attempt in attempts.order_by("number")],
        transitions=[_move(move) for move in run.transitions.select_related("attempt").order_by("pk")],
        questions=[_question(question) for question in questions],
        artifacts=[_artifact(name, artifact) for name, artifact in files],
        left_out=list(_left_out(run, questions, files)),
    )


def _attempt(attempt: Attempt) -> AttemptPart:
    executed = attempt.executed_version
    return AttemptPart(
        facts=AttemptFacts.model_validate(attempt),
        executed=executed.digest if executed is not None else "",
        stages=[StagePart.model_validate(row) for row in attempt.stages.all()],
        steps=[StepPart.model_validate(row) for row in attempt.steps.all()],
    )


def _move(move: Transition) -> TransitionPart:
    return TransitionPart(
        attempt=move.attempt.number if move.attempt is not None else None,
        from_state=move.from_state,
        to_state=move.to_state,
        actor=move.actor,
        reason=move.reason,
        at=move.at,
    )


def _question(question: Question) -> QuestionPart:
    return QuestionPart(attempt=question.attempt.number, facts=QuestionFacts.model_validate(question))


def _artifact(name: str, artifact: Artifact) -> ArtifactPart:
    return ArtifactPart(
        id=artifact.pk,
        attempt=artifact.attempt.number if artifact.attempt is not None else None,
        step=artifact.step.index if artifact.step is not None else None,
        file=name if artifact.blob_id is not None else None,
        digest=artifact.blob_id,
        facts=ArtifactFacts.model_validate(artifact),
    )


def _left_out(
    run: Run, questions: Sequence[Question], files: Sequence[tuple[str, Artifact]]
) -> Iterator[str]:
    hidden = sorted(hidden_params(run))
    if hidden:
        yield f"The values of the secret params {', '.join(hidden)}."
    if any(question.answer is not None for question in questions):
        yield "Answers as they were given; what may be shown of them is here."
    checkpoints = run.checkpoints.count()
    if checkpoints:
        yield f"{checkpoints} checkpoints, which hold signed-in browsers."
    for name, artifact in files:
        if artifact.is_quarantined:
            yield f"{name}: quarantined. {artifact.quarantine_reason}"
        elif artifact.blob_id is None:
            yield f"{name}: {artifact.missing_reason}"
