"""A small automation in code and what a test needs to run it: versions, nodes, processes, claims."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from automations.definitions import Definition, define
from automations.models import AutomationVersion, Customer
from automations.services import registry
from infra_shared.database import database_now
from runs.models import Attempt, Run, WorkerProcess
from runs.services import dispatching, nodes, outcomes
from runs.services.claims import Claim, claim_attempt
from runs.services.requests import Origin, RunRequest, request_run
from runs.states import Cause
from webgraph.errors import FailureKind
from webgraph.flow import Automation, stage
from webgraph.recorder import Question

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest


class Sample(Automation):
    """Reads a page, then orders something."""

    key = "sample"
    title = "Sample"
    max_attempts = 3

    class Params(BaseModel):
        """What the sample wants to know."""

        city: str
        count: int = Field(default=1, ge=1)

    @stage(effect="read")
    async def look(self, page: Any) -> None:
        """Look at the page."""

    @stage(effect="commit")
    async def order(self, page: Any) -> None:
        """Order."""


OPERATOR = Origin(cause=Cause.OPERATOR, actor="operator:anna")


def install(monkeypatch: pytest.MonkeyPatch, automation: type[Automation] = Sample) -> AutomationVersion:
    """Make `automation` the only one this process has, publish it, and return its version."""
    return publish(monkeypatch, define(automation))


def publish(monkeypatch: pytest.MonkeyPatch, definition: Definition, **options: Any) -> AutomationVersion:
    """Publish a definition, with some of its options changed."""
    changed = replace(definition, options=definition.options | options)
    found: Mapping[str, Definition] = {definition.key: changed}
    monkeypatch.setattr(registry, "definitions", lambda: found)
    Customer.objects.get_or_create(key="main")
    registry.register_python_automations()
    return AutomationVersion.objects.select_related("automation").get(digest=definition.digest)


def start_process(version: AutomationVersion, *, queue: str = "default", pid: int = 1) -> WorkerProcess:
    """Write the rows of a live node that can run `version`, and return its one worker process."""
    node = nodes.register_node(name="node-1", pid=pid, queues=[queue], versions=[version.digest])
    return nodes.register_process(node_id=node.pk, queue=queue, pid=pid)


def ask(**changes: Any) -> Run:
    """Request a run of the sample."""
    request = RunRequest(automation="sample", params={"city": "Riga"})
    return request_run(request=replace(request, **changes), origin=OPERATOR).run


def claim(run: Run, process: WorkerProcess) -> Claim | None:
    """Claim the newest attempt of a run."""
    attempt = Attempt.objects.filter(run=run).latest("number")
    return claim_attempt(
        attempt_id=attempt.pk,
        process_id=process.pk,
        process_name="node-1/1",
        versions=[run.version.digest],
    )


def claim_now(run: Run, version: AutomationVersion) -> Claim:
    """Start a node and let it claim the newest attempt of a run, which must be due."""
    process = start_process(version)
    dispatching.dispatch_due_attempts()
    taken = claim(run, process)
    assert taken is not None
    return taken


def claimed_run(version: AutomationVersion) -> tuple[Run, Claim]:
    """Request a run and claim its first attempt."""
    run = ask()
    return run, claim_now(run, version)


def question(**changes: Any) -> Question:
    """A question for a one-time code."""
    schema = {
        "type": "object",
        "properties": {
            "code": {
                "type": "string",
                "format": "password",
                "writeOnly": True,
                "title": "Code",
                "minLength": 6,
            },
            "remember": {"type": "boolean", "title": "Remember this device", "default": False},
        },
        "required": ["code"],
    }
    asked = Question(
        key="order-1",
        stage="order",
        prompt="Which code did the shop send?",
        schema=schema,
        timeout_seconds=3600,
        on_timeout=FailureKind.AUTH,
    )
    return replace(asked, **changes)


def asking_run(version: AutomationVersion, **changes: Any) -> Run:
    """A run whose first attempt ended with a question."""
    run, taken = claimed_run(version)
    outcomes.finish_parked(claim=taken, question=question(**changes))
    return Run.objects.get(pk=run.pk)


def silence(process_id: Any) -> None:
    """Make a worker process look silent for longer than its lease."""
    past = database_now() - timedelta(seconds=1)
    WorkerProcess.objects.filter(pk=process_id).update(lease_expires_at=past)
