"""Calling the API in a test: keys with chosen scopes and reach, and a run with everything a run can leave."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from automations.models import Customer, UploadedFile
from automations.services.files import Sender, keep_file
from automations.services.schedule_input import ScheduleInput
from automations.services.schedules import create_schedule
from infra_shared.blobs.django_store import artifact_store
from infra_shared.clock import utc_now
from infra_shared.ids import uuid7
from infra_shared.models.caller import ALL
from infra_shared.services import api_keys
from infra_shared.services.alerts import alert
from intake.services.routing import route_event
from runs.models import Artifact, BulkKind, BulkOrder, Occurrence, OccurrenceState, Pause, Run
from runs.services import outcomes, recording
from runs.services.bulk_orders import BulkRequest, give_bulk_order
from runs.services.pauses import pause
from runs.services.run_filter import RunFilter
from tests.support import intake, sample
from webgraph.recorder import ArtifactKind, Evidence, StepIntent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from automations.models import AutomationVersion, Schedule
    from infra_shared.models import Alert
    from intake.models import Event, Trigger
    from runs.services.claims import Claim

RESULT = {"rows": [{"city": "Riga", "sum": -5}, {"city": "=1+1", "tags": ["a"]}], "total": 2}


def key(*, scopes: Iterable[str] = (ALL,), customers: Iterable[str] = ("main",), caller: str = "ci") -> str:
    """Issue a key and return its plain text."""
    owner = api_keys.ensure_caller(name=caller, customers=customers, actor="command")
    return api_keys.issue_key(caller=owner, name="test", scopes=scopes, actor="command")[1]


@dataclass(frozen=True)
class Form:
    """A file to be sent as multipart/form-data."""

    name: str
    body: bytes
    customer: str = "main"
    content_type: str = "text/plain"

    def parts(self) -> dict[str, Any]:
        """The fields of the form."""
        file = SimpleUploadedFile(self.name, self.body, content_type=self.content_type)
        return {"file": file, "customer": self.customer}


@dataclass(frozen=True)
class Caller:
    """A client of the API with one key, or with none."""

    key: str = ""

    def get(self, path: str, **headers: str) -> Any:
        """GET `/api/v1{path}`."""
        return Client().get(f"/api/v1{path}", headers=self._headers(headers))

    def post(self, path: str, body: object = None, **headers: str) -> Any:
        """POST a JSON body, or a form with a file, to `/api/v1{path}`."""
        if isinstance(body, Form):
            return Client().post(f"/api/v1{path}", body.parts(), headers=self._headers(headers))
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body)
        return Client().post(
            f"/api/v1{path}", content, content_type="application/json", headers=self._headers(headers)
        )

    def send(self, method: str, path: str, body: object = None) -> Any:
        """GET, DELETE, PATCH or POST."""
        if method in ("DELETE", "PATCH"):
            content = b"" if body is None else json.dumps(body)
            return Client().generic(
                method, f"/api/v1{path}", content, "application/json", headers=self._headers({})
            )
        return self.get(path) if method == "GET" else self.post(path, body)

    def _headers(self, further: dict[str, str]) -> dict[str, str]:
        headers = {name.replace("_", "-"): value for name, value in further.items()}
        return headers | ({"X-API-Key": self.key} if self.key else {})


@dataclass(frozen=True)
class World:
    """A run that succeeded, one that waits, one that asks, a schedule that fired: all of the customer `main`."""

    run: Run
    waiting: Run
    asking: Run
    artifact: Artifact
    schedule: Schedule
    file: UploadedFile
    order: BulkOrder
    pause: Pause
    alert: Alert
    event: Event
    trigger: Trigger

    def path(self, template: str) -> str:
        """The path of an endpoint, about what is in here."""
        return template.format(
            run=self.run.pk,
            waiting=self.waiting.pk,
            asking=self.asking.pk,
            artifact=self.artifact.pk,
            schedule=self.schedule.pk,
            file=self.file.pk,
            order=self.order.pk,
            pause=self.pause.pk,
            alert=self.alert.pk,
            event=self.event.pk,
            trigger=self.trigger.pk,
        )


def build_world(version: AutomationVersion) -> World:
    """Write it, through the services a worker uses."""
    run, claim = sample.claimed_run(version)
    step_id = recording.step_started(claim=claim, step=_intent())
    artifact = keep(claim, b"<h1>Riga</h1>", kind=ArtifactKind.STEP_HTML, name="step-001.html", step=step_id)
    outcomes.finish_succeeded(claim=claim, result=RESULT)
    Customer.objects.create(key="other")
    wanted = ScheduleInput(
        name="Nightly",
        automation=version.automation,
        customer=run.customer,
        kind="cron",
        cron="0 3 * * *",
        params={"city": "{{ fire_at:%Y }}"},
    )
    schedule = create_schedule(wanted=wanted, actor="command")
    now = utc_now()
    Occurrence.objects.create(
        schedule=schedule, fire_at=now, state=OccurrenceState.FIRED, run=run, handled_at=now
    )
    run.refresh_from_db()
    asking = sample.asking_run(version)
    trigger = intake.trigger(intake.source(), version)
    event = intake.stored()
    route_event(event.pk)
    return World(
        run=run,
        waiting=sample.ask(),
        asking=asking,
        artifact=artifact,
        schedule=schedule,
        file=send_file(run.customer),
        order=_order_of("ci"),
        pause=pause(scope="customer:main", reason="They move.", actor="command")[0],
        alert=alert(key="failure:7", title="It failed", text="The shop is closed.", customer="main"),
        event=event,
        trigger=trigger,
    )


def _order_of(caller: str) -> BulkOrder:
    wanted = RunFilter(automation="sample", states=("failed",))
    request = BulkRequest(kind=BulkKind.RERUN, filter=wanted, customers=("main",), actor=f"caller:{caller}")
    return give_bulk_order(request).order


def send_file(customer: Customer, body: bytes = b"total 7", name: str = "invoice.txt") -> UploadedFile:
    """A file of the customer."""
    sender = Sender(actor="command")
    return keep_file(customer=customer, source=body, name=name, content_type="text/plain", sender=sender).file


def keep(claim: Claim, body: bytes, *, kind: ArtifactKind, name: str, step: int | None = None) -> Artifact:
    """Store an artifact of an attempt."""
    text = kind not in {ArtifactKind.DOWNLOAD, ArtifactKind.STEP_PICTURE}
    item = Evidence(kind=kind, name=name, content_type="image/svg+xml", body=body, captured_at=utc_now())
    blob = artifact_store().put(body, text=text)
    return recording.artifact_stored(claim=claim, artifact_id=uuid7(), item=item, blob=blob, step_id=step)


def problem(response: Any, status: int) -> dict[str, Any]:
    """The problem an answer holds, after checking that it is one of this status."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert body["detail"]
    assert body["request_id"] == response["X-Request-ID"]
    return dict(body)


def _intent() -> StepIntent:
    return StepIntent(
        index=1,
        stage="look",
        action="goto",
        description="Open the page",
        target=None,
        url="https://example.com/",
        started_at=utc_now(),
    )
