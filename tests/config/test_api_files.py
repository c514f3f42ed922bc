"""Files over the API: sent once, named by runs of their customer, handed to attempts, kept through reruns."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from automations.errors import ScheduleInvalidError
from automations.models import Customer, UploadedFile
from automations.services.files import forget_unused
from automations.services.schedule_input import ScheduleInput
from automations.services.schedules import create_schedule
from infra_shared.models import AuditLine
from runs.models import Artifact, Run
from runs.services.inputs import inputs_of
from runs.states import RunState
from tests.support import api, sample
from tests.support.api import Caller, Form
from webgraph.files import InputFile
from webgraph.flow import Automation, stage

if TYPE_CHECKING:
    from pathlib import Path

    from automations.models import AutomationVersion

pytestmark = pytest.mark.django_db


class HandIn(Automation):
    """Takes a file."""

    key = "hand-in"

    class Params(BaseModel):
        invoice: InputFile
        more: list[InputFile] = []

    @stage(effect="read")
    async def work(self, page: Any) -> None: ...


@pytest.fixture
def version(monkeypatch: pytest.MonkeyPatch) -> AutomationVersion:
    return sample.install(monkeypatch, HandIn)


@pytest.fixture
def caller(version: AutomationVersion) -> Caller:
    return Caller(api.key())


def sent(caller: Caller, body: bytes = b"total 7", name: str = "invoice.txt", **headers: str) -> Any:
    return caller.post("/files", Form(name, body), **headers)


def asked(caller: Caller, file_id: str, **changes: Any) -> Any:
    return caller.post("/runs", {"automation": "hand-in", "params": {"invoice": file_id}, **changes})


def monthly(version: AutomationVersion, file_id: str) -> ScheduleInput:
    return ScheduleInput(
        name="Monthly",
        automation=version.automation,
        customer=Customer.objects.get(key="main"),
        kind="cron",
        cron="0 3 1 * *",
        params={"invoice": file_id},
    )


def test_a_sent_file_says_what_arrived(caller: Caller) -> None:
    answer = caller.post("/files", Form("../../März 1.pdf", b"%PDF", content_type="application/pdf"))

    assert answer.status_code == 201
    file = answer.json()
    assert answer["Location"] == f"/api/v1/files/{file['id']}"
    assert (file["name"], file["content_type"], file["size_bytes"]) == ("März 1.pdf", "application/pdf", 4)
    assert file["sha256"] == hashlib.sha256(b"%PDF").hexdigest()
    assert caller.get(f"/files/{file['id']}").json() == file
    assert AuditLine.objects.get(action="file.send").object_id == file["id"]


def test_a_run_keeps_the_file_it_names_and_a_rerun_finds_it_there(caller: Caller, tmp_path: Path) -> None:
    file_id = sent(caller).json()["id"]

    run = Run.objects.get(pk=asked(caller, file_id).json()["id"])
    UploadedFile.objects.all().delete()
    caller.post(f"/runs/{run.pk}/cancel")
    rerun = Run.objects.get(pk=caller.post(f"/runs/{run.pk}/rerun").json()["id"])

    (artifact,) = caller.get(f"/runs/{rerun.pk}/artifacts").json()["items"]
    assert (artifact["kind"], artifact["name"], artifact["attempt"]) == ("input", "invoice.txt", None)
    inputs_of(run=rerun)[file_id].save_to(tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"total 7"
    content = caller.get(f"/artifacts/{artifact['id']}/content")
    assert content["Content-Disposition"].startswith("attachment")
    content.close()


@pytest.mark.parametrize("file_id", ["019aa000-0000-7000-8000-000000000000", "no-id"])
def test_a_file_that_is_not_there_is_named_by_its_param(caller: Caller, file_id: str) -> None:
    problem = api.problem(asked(caller, file_id), 422)

    assert problem["errors"][0]["field"] == "params.invoice"
    assert file_id in problem["errors"][0]["message"]
    assert not Run.objects.exists()


def test_another_customers_file_is_not_there(caller: Caller) -> None:
    other = Customer.objects.create(key="other")
    file = api.send_file(other)

    api.problem(asked(caller, str(file.pk)), 422)
    api.problem(caller.get(f"/files/{file.pk}"), 404)
    api.problem(caller.post("/files", Form("a.txt", b"a", customer="other")), 404)


def test_the_same_key_sends_a_file_once(caller: Caller) -> None:
    first = sent(caller, Idempotency_Key="march")
    again = sent(caller, Idempotency_Key="march")
    another = sent(caller, b"total 8", Idempotency_Key="march")

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    api.problem(another, 409)
    assert UploadedFile.objects.count() == 1


def test_a_file_that_is_too_large_empty_or_missing_is_refused(caller: Caller, settings: Any) -> None:
    settings.INPUT_FILE_MAX_BYTES = 1024 * 1024
    too_large = sent(caller, b"x" * (1024 * 1024 + 1))

    assert "larger than 1 MB" in api.problem(too_large, 413)["detail"]
    assert "empty" in api.problem(sent(caller, b""), 422)["detail"]
    assert api.problem(caller.post("/files", {"file": "a"}), 422)["errors"][0]["field"] == "file"
    assert not UploadedFile.objects.exists()


def test_unused_files_are_forgotten_but_not_those_of_schedules(
    caller: Caller, version: AutomationVersion
) -> None:
    unused, used, planned = (sent(caller, name=f"{number}.txt").json()["id"] for number in range(3))
    create_schedule(wanted=monthly(version, planned), actor="command")
    UploadedFile.objects.update(wanted_at="2020-01-01T00:00:00Z")
    asked(caller, used)

    assert forget_unused() == 1
    assert {str(pk) for pk in UploadedFile.objects.values_list("pk", flat=True)} == {used, planned}
    assert forget_unused(older_than=timedelta(0)) == 1
    assert Artifact.objects.get().size_bytes == 7
    assert Run.objects.get().state == RunState.QUEUED
    assert unused not in {used, planned}


def test_a_schedule_names_only_files_that_are_there(version: AutomationVersion) -> None:
    with pytest.raises(ScheduleInvalidError) as refusal:
        create_schedule(wanted=monthly(version, "no-id"), actor="command")

    assert [problem.field for problem in refusal.value.problems] == ["params.invoice"]
