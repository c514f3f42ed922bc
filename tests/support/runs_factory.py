"""Believable runs with pictures, made through the services a worker uses."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageDraw

from automations.models import Automation, AutomationVersion, Customer
from infra_shared.blobs.django_store import artifact_store
from infra_shared.database import database_now
from infra_shared.ids import uuid7
from runs.models import Attempt, Run, WorkerProcess
from runs.services import nodes, outcomes, recording
from runs.services.claims import Claim, claim_attempt
from runs.services.outcomes import Failure
from runs.services.requests import Origin, RunRequest, request_run
from runs.states import Cause
from tests.support.sample import question
from webgraph.checkpoint import Checkpoint
from webgraph.errors import FailureKind
from webgraph.recorder import (
    ArtifactKind,
    Effect,
    Evidence,
    EvidenceGap,
    StageEnd,
    StageStart,
    StepIntent,
    StepOutcome,
    Tier,
)

if TYPE_CHECKING:
    from datetime import datetime

    from runs.models import Artifact

OPERATOR = Origin(cause=Cause.OPERATOR, actor="operator:anna")
FAILURE = "“Download CSV” was not found: nothing on the page fits."
SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "title": "City", "description": "Where to look."},
        "count": {"type": "integer", "title": "Count", "default": 1, "minimum": 1},
    },
    "required": ["city"],
}
STEPS = ("Open the shop", "Click “Invoices”", "Download “Download CSV”")


@dataclass(slots=True)
class RunsFactory:
    """Makes runs of one automation, as a worker process would leave them."""

    version: AutomationVersion
    process: WorkerProcess

    def requested(self, **changes: Any) -> Run:
        """A run nobody has taken yet."""
        request = RunRequest(
            **{"automation": self.version.automation.key, "params": {"city": "Riga"}, **changes}
        )
        return request_run(request=request, origin=OPERATOR).run

    def claimed(self, run: Run | None = None) -> Claim:
        """A run whose newest attempt a worker process has just taken."""
        attempt = Attempt.objects.filter(run=run or self.requested()).latest("number")
        claim = claim_attempt(
            attempt_id=attempt.pk,
            process_id=self.process.pk,
            process_name="node-1 default 17",
            versions=[self.version.digest],
        )
        assert claim is not None
        return claim

    def running(self) -> Run:
        """A run in the middle of its second step."""
        claim = self.claimed()
        self._begin_stage(claim, Effect.READ)
        self.step(claim, 1)
        self._intend(claim, 2)
        return Run.objects.get(pk=claim.attempt.run_id)

    def succeeded(self, **changes: Any) -> Run:
        """A run that did all its steps and returned rows."""
        claim = self.claimed(self.requested(**changes))
        self.finish(claim)
        return Run.objects.get(pk=claim.attempt.run_id)

    def finish(self, claim: Claim) -> None:
        """Let a claimed run do its steps and succeed."""
        self._begin_stage(claim, Effect.READ)
        for index in range(1, len(STEPS) + 1):
            self.step(claim, index)
        self._end_stage(claim, succeeded=True)
        rows = [{"number": f"INV-{number}", "amount": number * 3} for number in range(40)]
        outcomes.finish_succeeded(claim=claim, result={"invoices": rows, "total": len(rows)})

    def failed(self, message: str = FAILURE, **changes: Any) -> Run:
        """A run whose last step did not find its target."""
        claim = self.claimed(self.requested(**changes))
        self._begin_stage(claim, Effect.READ)
        for index in range(1, len(STEPS)):
            self.step(claim, index)
        self.step(claim, len(STEPS), message=message)
        self._end_stage(claim, succeeded=False)
        self.fail(claim, FailureKind.TARGET_NOT_FOUND, message)
        return Run.objects.get(pk=claim.attempt.run_id)

    def waiting_for_a_person(self) -> Run:
        """A run whose commit began and whose end is unknown."""
        claim = self.claimed()
        self._begin_stage(claim, Effect.COMMIT)
        self._intend(claim, 1)
        self.fail(claim, FailureKind.BROWSER_CRASH, "The browser went away.")
        return Run.objects.get(pk=claim.attempt.run_id)

    def asking(self) -> Run:
        """A run that asks for a code its shop has sent."""
        claim = self.claimed()
        self._begin_stage(claim, Effect.READ)
        self.step(claim, 1)
        outcomes.finish_parked(claim=claim, question=question())
        return Run.objects.get(pk=claim.attempt.run_id)

    def failed_after_a_stage(self) -> Run:
        """A run that failed for good in its second stage, with a checkpoint behind the first."""
        stages = [*self.version.stages, {"name": "download", "title": "Download the file", "effect": "read"}]
        AutomationVersion.objects.filter(pk=self.version.pk).update(stages=stages)
        claim = self.claimed()
        self._begin_stage(claim, Effect.READ)
        self.step(claim, 1)
        left = Checkpoint(
            position=1, stage="work", state={}, url="", page={}, storage_state={}, session_storage={}
        )
        end = StageEnd(
            position=1, name="work", succeeded=True, finished_at=database_now(), url="", checkpoint=left
        )
        recording.stage_finished(claim=claim, stage=end)
        self.fail(claim, FailureKind.TARGET_NOT_FOUND, FAILURE)
        return Run.objects.get(pk=claim.attempt.run_id)

    def waiting_for_a_commit(self) -> tuple[Run, Run]:
        """A run whose commit has an unknown end, and one that would do the same and waits to hear about it."""
        start = StageStart(
            position=1,
            name="work",
            effect=Effect.COMMIT,
            started_at=database_now(),
            effect_key="invoice-7",
        )
        first = self.claimed()
        recording.stage_started(claim=first, stage=start)
        self._intend(first, 1)
        self.fail(first, FailureKind.BROWSER_CRASH, "The browser went away.")
        second = self.claimed()
        standing = recording.stage_started(claim=second, stage=start)
        assert standing is not None
        outcomes.finish_parked(claim=second, guard_id=standing.pk)
        return first.attempt.run, Run.objects.get(pk=second.attempt.run_id)

    def step(self, claim: Claim, index: int, *, message: str = "") -> None:
        """One step with its picture and HTML; with a message it is one that failed."""
        step_id = self._intend(claim, index)
        now = database_now()
        outcome = StepOutcome(
            index=index,
            succeeded=not message,
            finished_at=now,
            duration_seconds=0.3 * index,
            url="http://shop.example/invoices",
            tier=None if message else Tier.DOM,
            failure_kind=FailureKind.TARGET_NOT_FOUND if message else None,
            message=message,
            decisions=({"tier": "dom", "found": not message, "candidates": []},),
        )
        recording.step_finished(claim=claim, step=outcome)
        kind = ArtifactKind.FAILURE_PICTURE if message else ArtifactKind.STEP_PICTURE
        self.keep(claim, kind, "image/png", picture(STEPS[index - 1], failed=bool(message)), step_id, index)
        html = f"<h1>{STEPS[index - 1]}</h1><script>document.title = 'ran'</script>".encode()
        self.keep(claim, ArtifactKind.STEP_HTML, "text/html; charset=utf-8", html, step_id, index)

    def keep(
        self,
        claim: Claim,
        kind: ArtifactKind,
        content_type: str,
        body: bytes,
        step_id: int | None = None,
        index: int | None = None,
    ) -> Artifact:
        """One artifact with its bytes in the store."""
        blob = artifact_store().put(body, text=content_type.startswith(("text/", "application/json")))
        item = Evidence(
            kind=kind,
            name=f"{kind.value}-{index or 0}",
            content_type=content_type,
            body=body,
            captured_at=database_now(),
            step_index=index,
        )
        return recording.artifact_stored(
            claim=claim, artifact_id=uuid7(), item=item, blob=blob, step_id=step_id
        )

    def miss(self, claim: Claim, reason: str, *, step_index: int) -> None:
        """The record that a step's picture is missing."""
        step = claim.attempt.steps.get(index=step_index)
        gap = EvidenceGap(
            kind=ArtifactKind.STEP_PICTURE, reason=reason, captured_at=database_now(), step_index=step_index
        )
        recording.artifact_missing(claim=claim, artifact_id=uuid7(), gap=gap, step_id=step.pk)

    def fail(self, claim: Claim, kind: FailureKind, message: str) -> None:
        """End the attempt as failed for good."""
        failure = Failure(kind=kind, message=message, permanent=True, stage="work")
        outcomes.finish_failed(claim=claim, failure=failure)

    def _begin_stage(self, claim: Claim, effect: Effect) -> None:
        stage = StageStart(position=1, name="work", effect=effect, started_at=database_now())
        recording.stage_started(claim=claim, stage=stage)

    def _end_stage(self, claim: Claim, *, succeeded: bool) -> None:
        end = StageEnd(position=1, name="work", succeeded=succeeded, finished_at=database_now(), url="")
        recording.stage_finished(claim=claim, stage=end)

    def _intend(self, claim: Claim, index: int) -> int:
        intent = StepIntent(
            index=index,
            stage="work",
            action="click",
            description=STEPS[index - 1],
            target={"css": [f"#step-{index}"]},
            url="http://shop.example/",
            started_at=database_now() - timedelta(milliseconds=1),
        )
        return recording.step_started(claim=claim, step=intent)


def make_factory(*, key: str = "shop-invoices", title: str = "Read all invoices of the shop") -> RunsFactory:
    """A factory with a published automation that lives in the database alone, and a node that can run it."""
    Customer.objects.get_or_create(key="main", defaults={"name": "Main"})
    automation = Automation.objects.create(
        key=key, title=title, description="Signs in and reads every invoice."
    )
    version = AutomationVersion.objects.create(
        automation=automation,
        number=1,
        digest=f"{key:x<64}",
        params_schema=SCHEMA,
        stages=[{"name": "work", "title": "Read the invoices", "effect": "read"}],
        options={
            "queue": "default",
            "deadline_seconds": 300,
            "max_attempts": 1,
            "max_concurrent": 0,
            "evidence": "default",
            "credentials": [],
            "allow_latest": False,
            "retryable": {},
        },
    )
    automation.latest_version = version
    automation.save()
    node = nodes.register_node(name="node-1", pid=17, queues=["default"], versions=[version.digest])
    return RunsFactory(version, nodes.register_process(node_id=node.pk, queue="default", pid=17))


def picture(words: str, *, failed: bool) -> bytes:
    """A PNG that looks like a page of the shop."""
    image = Image.new("RGB", (1280, 800), "#f5f5f0")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 220, 800), fill="#ffffff")
    draw.text((30, 30), "Fernhill Supply", fill="#14532d", font_size=22)
    draw.text((260, 40), words, fill="#b42318" if failed else "#111827", font_size=32)
    for row in range(14):
        draw.rectangle((260, 110 + row * 46, 1240, 150 + row * 46), fill="#ffffff", outline="#e5e7eb")
        draw.text(
            (280, 120 + row * 46), f"INV-{20025 - row}   Elm Street Cycles", fill="#374151", font_size=18
        )
    body = io.BytesIO()
    image.save(body, "PNG")
    return body.getvalue()


def moment_ago(**parts: float) -> datetime:
    """A moment in the past, such as `moment_ago(hours=2)`, by the database's clock."""
    return database_now() - timedelta(**parts)
