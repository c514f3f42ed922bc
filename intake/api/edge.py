"""Endpoints for the edge Worker: batches, notices of dead letters, and whether this server takes them."""

from __future__ import annotations

from typing import Any

from ninja import Router, Schema
from pydantic import Field

from intake.api.edge_auth import EdgeAuth, EdgeRequest
from intake.services.batches import Status, take_batch
from intake.services.dead_letters import note_dead_letters
from intake.services.readiness import check_ready
from intake.signatures.edge import Purpose

router = Router(tags=["Edge"])


class VerdictOut(Schema):
    """What becomes of one message."""

    id: str
    status: Status
    delay: int | None = Field(None, description="With `retry`: after how many seconds.")
    reason: str | None = None


class VerdictsOut(Schema):
    """One entry for each message whose id could be read."""

    results: list[VerdictOut]


class ReadyOut(Schema):
    """This server takes batches."""

    ready: bool
    sources: int = Field(description="How many sources it knows.")


@router.post(
    "/intake/batch",
    auth=EdgeAuth(Purpose.BATCH),
    response=VerdictsOut,
    exclude_none=True,
    summary="Store a batch of webhooks",
)
def take_edge_batch(request: EdgeRequest) -> dict[str, Any]:
    """Store what is new, count what came again, and say for each message what became of it."""
    verdicts = take_batch(content=request.auth.body, now=request.auth.at)
    return {
        "results": [
            {"id": item.id, "status": item.status, "delay": item.delay, "reason": item.reason or None}
            for item in verdicts
            if item.id
        ]
    }


@router.post(
    "/intake/dead-letters",
    auth=EdgeAuth(Purpose.DEAD_LETTERS),
    response=VerdictsOut,
    exclude_none=True,
    summary="Note dead letters",
)
def take_dead_letters(request: EdgeRequest) -> dict[str, Any]:
    """Note what the edge gave up on, so that the console lists it. Repeating a notice changes nothing."""
    noted = note_dead_letters(content=request.auth.body, now=request.auth.at)
    return {
        "results": [
            {
                "id": item.id,
                "status": Status.REJECTED if item.problem else Status.ACCEPTED,
                "reason": item.problem or None,
            }
            for item in noted
            if item.id
        ]
    }


@router.get(
    "/intake/ready", auth=EdgeAuth(Purpose.READY), response=ReadyOut, summary="Say whether batches are taken"
)
def edge_ready(request: EdgeRequest) -> ReadyOut:
    """Answer when the database does; the edge asks before it sends again after an outage."""
    return ReadyOut(ready=True, sources=check_ready())
