"""`artifacts check` reads what is stored again: it says what is missing or damaged, and marks it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from infra_shared.blobs.django_store import artifact_store
from infra_shared.blobs.protocol import BlobStorageError, stored_name
from infra_shared.models import Blob
from infra_shared.services.blobs import remember_blob
from tests.support import api, sample
from tests.support.console import client_with
from tests.support.metrics import measured
from webgraph.recorder import ArtifactKind

if TYPE_CHECKING:
    from automations.models import AutomationVersion
    from runs.models import Artifact

pytestmark = pytest.mark.django_db


def _kept(body: bytes, *, text: bool = False) -> Blob:
    return remember_blob(artifact_store().put(body, text=text))


def _damage(blob: Blob, settings: Any) -> None:
    path = Path(settings.ARTIFACTS_DIR) / stored_name(blob.digest, blob.encoding)
    path.write_bytes(bytes([path.read_bytes()[0] ^ 0xFF]) + path.read_bytes()[1:])


def _check(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    """The exit code and what was said as JSON."""
    code = 0
    try:
        call_command("artifacts", "check", "--json", *arguments)
    except CommandError as error:
        code = error.returncode
    return code, json.loads(capsys.readouterr().out)


def test_a_store_in_order_is_said_to_be_ok_and_the_time_is_noted(capsys: pytest.CaptureFixture[str]) -> None:
    _kept(b"plain")
    _kept(b"a text" * 1_000, text=True)

    code, told = _check(capsys)

    assert (code, told["ok"], told["missing"], told["damaged"]) == (0, 2, [], [])
    assert told["read_bytes"] == 6_005
    assert not Blob.objects.filter(checked_at=None).exists()


@pytest.mark.parametrize("text", [False, True])
def test_damaged_bytes_are_found_and_marked(
    capsys: pytest.CaptureFixture[str], settings: Any, text: bool
) -> None:
    blob, _ = _kept(b"invoice" * 1_000, text=text), _kept(b"whole")
    _damage(blob, settings)

    code, told = _check(capsys)

    assert (code, told["ok"], told["damaged"]) == (1, 1, [blob.digest])
    blob.refresh_from_db()
    assert blob.finding == "damaged"
    figures = measured()
    assert figures["automation_blobs_found_bad{finding=damaged}"] == 1
    assert figures["automation_blobs_found_bad{finding=missing}"] == 0


def test_missing_bytes_are_found_and_unmarked_once_they_are_back(capsys: pytest.CaptureFixture[str]) -> None:
    blob = _kept(b"restored from a back-up")
    artifact_store().delete(blob)
    assert _check(capsys)[1]["missing"] == [blob.digest]

    artifact_store().put(b"restored from a back-up", text=False)

    assert _check(capsys)[0] == 0
    blob.refresh_from_db()
    assert blob.finding == ""


def test_a_sample_takes_what_was_not_looked_at_for_longest(capsys: pytest.CaptureFixture[str]) -> None:
    for body in (b"1", b"2", b"3"):
        _kept(body)

    first = _check(capsys, "--sample", "2")[1]["ok"]
    once = set(Blob.objects.exclude(checked_at=None))
    _check(capsys, "--sample", "1")

    assert first == len(once) == 2
    assert not Blob.objects.filter(checked_at=None).exists()


def test_a_store_that_does_not_answer_is_a_problem_and_no_finding(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise BlobStorageError("The bytes could not be read: the object store cannot be reached.")

    for number in range(5):
        _kept(bytes([number]))
    monkeypatch.setattr("infra_shared.blobs.file_store.FileBlobStore.open", away)

    code, told = _check(capsys)

    assert (code, told["ok"], told["missing"]) == (3, 0, [])
    assert "cannot be reached" in told["problem"]
    assert not Blob.objects.exclude(checked_at=None).exists()


def _artifact(version: AutomationVersion) -> Artifact:
    _, claim = sample.claimed_run(version)
    return api.keep(claim, b"a,b", kind=ArtifactKind.DOWNLOAD, name="list.csv")


def test_what_was_found_is_said_with_the_runs_it_belongs_to(
    capsys: pytest.CaptureFixture[str], version: AutomationVersion, settings: Any
) -> None:
    artifact = _artifact(version)
    assert artifact.blob is not None
    _damage(artifact.blob, settings)

    with pytest.raises(CommandError, match="missing or damaged"):
        call_command("artifacts", "check")

    assert str(artifact.run_id) in capsys.readouterr().out


def test_the_page_of_an_artifact_says_what_a_check_found(version: AutomationVersion, settings: Any) -> None:
    artifact = _artifact(version)
    assert artifact.blob is not None
    _damage(artifact.blob, settings)
    with pytest.raises(CommandError):
        call_command("artifacts", "check", "--json")

    page = client_with("runs.view_artifact", "runs.view_run").get(f"/admin/artifacts/{artifact.pk}/view/")

    assert "damaged in the store" in page.content.decode()
