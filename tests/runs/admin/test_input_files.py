"""Files in the console: chosen in a form, kept with the run, shown on its page, kept by a rerun; and by command."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from pydantic import BaseModel

from automations.models import UploadedFile
from infra_shared.blobs.protocol import BlobStorageError
from runs.models import Artifact, Run
from runs.services.cancelling import cancel_run
from tests.support import sample
from webgraph.files import InputFile
from webgraph.flow import Automation, stage

if TYPE_CHECKING:
    from pathlib import Path

    from django.test import Client

    from automations.models import AutomationVersion

pytestmark = pytest.mark.django_db


class HandIn(Automation):
    """Takes files."""

    key = "hand-in"

    class Params(BaseModel):
        note: str
        invoice: InputFile
        more: list[InputFile] = []

    @stage(effect="read")
    async def work(self, page: Any) -> None: ...


@pytest.fixture
def version(monkeypatch: pytest.MonkeyPatch) -> AutomationVersion:
    return sample.install(monkeypatch, HandIn)


def entered(**files: Any) -> dict[str, Any]:
    facts = {"params-note": "March", "customer": "main", "evidence_level": "default"}
    return facts | {f"params-{name}": value for name, value in files.items()}


def file(name: str, body: bytes = b"total 7") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, body, content_type="text/plain")


def names(run: Run) -> list[str]:
    return list(Artifact.objects.filter(run=run).order_by("name").values_list("name", flat=True))


def test_files_chosen_in_the_form_are_the_runs_and_stay_with_its_rerun(
    console: Client, version: AutomationVersion
) -> None:
    page = f"/admin/automations/automation/{version.automation_id}/run/"
    assert 'enctype="multipart/form-data"' in console.get(page).content.decode()

    console.post(page, entered(invoice=file("march.pdf"), more=[file("a.txt", b"a"), file("b.txt", b"b")]))
    run = Run.objects.get()
    shown = console.get(f"/admin/runs/run/{run.pk}/change/").content.decode()
    cancel_run(run=run, actor="operator:anna", reason="")
    console.post(f"/admin/runs/run/{run.pk}/rerun/", entered())

    rerun = Run.objects.get(rerun_of=run)
    assert names(run) == names(rerun) == ["a.txt", "b.txt", "march.pdf"]
    assert rerun.params == run.params
    assert "Input file: march.pdf" in shown
    assert run.params["invoice"] not in shown.split('id="params"')[1].split("</section>")[0]


def test_a_missing_or_too_large_file_is_told_beside_its_field(
    console: Client, version: AutomationVersion, settings: Any
) -> None:
    settings.INPUT_FILE_MAX_BYTES = 1024 * 1024
    page = f"/admin/automations/automation/{version.automation_id}/run/"

    missing = console.post(page, entered())
    large = console.post(page, entered(invoice=file("large.bin", b"x" * 1024 * 1025)))

    assert (missing.status_code, large.status_code) == (422, 422)
    assert "This field is required" in missing.content.decode()
    assert "larger than 1 MB" in large.content.decode()
    assert not UploadedFile.objects.exists()


def test_a_command_hands_files_over(version: AutomationVersion, tmp_path: Path) -> None:
    path = tmp_path / "march.pdf"
    path.write_bytes(b"%PDF")
    words = ["--param", "note=x", "--file", f"invoice={path}", "--file", f"more={path}"]

    call_command("automations", "run", "hand-in", *words, stdout=StringIO())

    run = Run.objects.get()
    assert [item.content_type for item in Artifact.objects.filter(run=run)] == ["application/pdf"] * 2
    assert isinstance(run.params["more"], list)
    with pytest.raises(CommandError, match="nowhere"):
        call_command("automations", "run", "hand-in", "--file", f"invoice={tmp_path / 'nowhere'}")


def _away(*_: Any, **__: Any) -> None:
    raise BlobStorageError("The bytes could not be stored: the object store cannot be reached.")


def test_a_form_with_a_file_says_so_while_the_store_is_away_and_asks_for_no_run(
    console: Client, version: AutomationVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra_shared.blobs.file_store.FileBlobStore.put", _away)

    answer = console.post(
        f"/admin/automations/automation/{version.automation_id}/run/", entered(invoice=file("march.pdf"))
    )

    shown = answer.content.decode()
    assert answer.status_code == 422
    assert "The file could not be kept. Try again" in shown
    assert "March" in shown
    assert not Run.objects.exists()


def test_a_rerun_with_another_file_says_so_too_while_the_store_is_away(
    console: Client, version: AutomationVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    console.post(
        f"/admin/automations/automation/{version.automation_id}/run/", entered(invoice=file("march.pdf"))
    )
    run = Run.objects.get()
    cancel_run(run=run, actor="operator:anna", reason="")
    monkeypatch.setattr("infra_shared.blobs.file_store.FileBlobStore.put", _away)

    answer = console.post(f"/admin/runs/run/{run.pk}/rerun/", entered(invoice=file("april.pdf", b"another")))

    assert answer.status_code == 422
    assert "The file could not be kept" in answer.content.decode()
    assert Run.objects.count() == 1
