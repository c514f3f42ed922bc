"""Endpoints: what a run asks, and the answer that lets it go on."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from ninja import Router, Schema
from pydantic import ConfigDict, Field

from infra_shared.api.auth import ApiKeyAuth, ApiRequest, actor_of
from infra_shared.api.input import JsonObject, Text
from infra_shared.scopes import Scope
from runs.api.reach import run_in_reach
from runs.errors import InvalidRequestError
from runs.models import Question, Run
from runs.schemas import RunOut
from runs.services.answers import answer_commit, commit_in_doubt
from runs.services.questions import answer_question, open_question, reason_of

router = Router(tags=["Runs"])


class InputOut(Schema):
    """What a run waits for from a person."""

    kind: Literal["none", "question", "commit"] = Field(
        description="`question`: send `answer`; `commit`: send `happened`; `none`: it asks nothing."
    )
    prompt: str
    stage: str
    answer_schema: dict[str, Any] | None = Field(description="JSON Schema of `answer`.")
    deadline_at: datetime | None = Field(description="Until when a question can be answered.")

    @classmethod
    def of(cls, run: Run) -> InputOut:
        """What the run asks now."""
        question = open_question(run)
        if question is not None:
            return cls._question(question)
        stage = commit_in_doubt(run)
        kind: Literal["none", "commit"] = "none" if stage is None else "commit"
        prompt = "" if stage is None else f"Did “{stage}” happen? {run.state_reason}"
        return cls(kind=kind, prompt=prompt, stage=stage or "", answer_schema=None, deadline_at=None)

    @classmethod
    def _question(cls, question: Question) -> InputOut:
        return cls(
            kind="question",
            prompt=reason_of(question),
            stage=question.stage,
            answer_schema=question.schema,
            deadline_at=question.deadline_at,
        )


class InputIn(Schema):
    """An answer: `answer` to a question, or `happened` for a commit of unknown end."""

    model_config = ConfigDict(extra="forbid")

    answer: JsonObject | None = Field(
        None, description="As `answer_schema` says.", examples=[{"code": "246810"}]
    )
    happened: bool | None = Field(None, description="Whether the commit happened; false does it once more.")
    note: Text = Field("", max_length=500, description="For `happened`: where you looked. Kept in the log.")


@router.get(
    "/runs/{run_id}/input",
    auth=ApiKeyAuth(Scope.RUNS_READ),
    response=InputOut,
    summary="What a run asks",
)
def get_input(request: ApiRequest, run_id: UUID) -> InputOut:
    """What the run waits for from a person; `kind` is `none` when it does not."""
    return InputOut.of(run_in_reach(request, run_id))


@router.post(
    "/runs/{run_id}/input", auth=ApiKeyAuth(Scope.RUNS_WRITE), response=RunOut, summary="Answer a run"
)
def give_input(request: ApiRequest, run_id: UUID, body: InputIn) -> RunOut:
    """Answer what a run asks; it goes on accordingly. Of two answers the first counts, the other is told 409."""
    run = run_in_reach(request, run_id)
    if (body.answer is None) == (body.happened is None):
        raise InvalidRequestError("answer", "Send either answer or happened.")
    if body.answer is not None:
        answer_question(run=run, answer=body.answer, actor=actor_of(request))
    elif body.happened is not None:
        answer_commit(run=run, happened=body.happened, note=body.note, actor=actor_of(request))
    return RunOut.of(run_in_reach(request, run_id))
