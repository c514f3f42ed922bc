"""What holds a secret of its run is set aside: unaltered, encrypted, told to the operators, and served to nobody."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from asgiref.sync import async_to_sync
from django.core.management import call_command

from infra_shared.blobs.django_store import artifact_store
from infra_shared.clock import utc_now
from infra_shared.database import database_now
from infra_shared.models import Alert, Blob
from infra_shared.redaction import Redactor
from infra_shared.sealing import unsealed
from runs.errors import ArtifactMissingError, NoResultError
from runs.evidence_writer import EvidenceWriter
from runs.models import Artifact, Run
from runs.services import outcomes
from runs.services.alert_rules import close_what_is_over
from runs.services.artifact_content import artifact_answer
from runs.services.results import result_of
from runs.services.run_archive import GAPS, archive
from tests.support import api, sample
from tests.support.console import client_with
from webgraph.recorder import ArtifactKind, Evidence

if TYPE_CHECKING:
    from pathlib import Path

    from automations.models import AutomationVersion
    from runs.services.claims import Claim

pytestmark = pytest.mark.django_db
SECRET = "canary/Zq7 xk&9"


@pytest.fixture
def claim(version: AutomationVersion) -> Claim:
    _, claim = sample.claimed_run(version)
    return claim


@pytest.fixture
def writer(claim: Claim) -> EvidenceWriter:
    """The recorder of an attempt with one secret."""
    return EvidenceWriter(
        claim=claim, store=artifact_store(), outage=timedelta(seconds=1), redactor=Redactor([SECRET])
    )


def _zipped(body: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("statement.txt", body)
    return out.getvalue()


def _kept(
    writer: EvidenceWriter, body: bytes, kind: ArtifactKind = ArtifactKind.DOWNLOAD, name: str = "file"
) -> Artifact:
    writer.evidence(
        Evidence(kind=kind, name=name, content_type="text/plain", body=body, captured_at=utc_now())
    )
    writer.flush(seconds=30)
    return Artifact.objects.select_related("blob", "sealed_blob").get()


def _stored_bytes(blob: Blob) -> bytes:
    with artifact_store().open(blob) as reader:
        return reader.read(10_000_000)


def test_a_download_that_holds_a_secret_is_sealed_unaltered_and_the_row_says_why(
    writer: EvidenceWriter,
) -> None:
    body = _zipped(_zipped(SECRET.encode()))

    artifact = _kept(writer, body)

    assert artifact.blob is None
    assert artifact.quarantined_at is not None
    assert (
        artifact.quarantine_reason == "It holds a secret of its run, in “statement.txt” in “statement.txt”."
    )
    assert artifact.sealed_blob is not None
    sealed = _stored_bytes(artifact.sealed_blob)
    assert body not in sealed
    assert b"".join(unsealed(io.BytesIO(sealed))) == body
    assert Blob.objects.count() == 1


def test_a_text_that_holds_a_secret_after_its_redaction_is_quarantined_too(writer: EvidenceWriter) -> None:
    artifact = _kept(writer, b"<p>canary/<b>Zq7 xk&amp;9</b>", ArtifactKind.STEP_HTML)

    assert artifact.is_quarantined


def test_a_file_whose_name_is_a_secret_is_quarantined_under_another_name(writer: EvidenceWriter) -> None:
    artifact = _kept(writer, b"harmless", name=f"{SECRET}.csv")

    assert artifact.is_quarantined
    assert artifact.name == "•••.csv"


def test_what_holds_no_secret_is_stored_as_ever(writer: EvidenceWriter) -> None:
    artifact = _kept(writer, _zipped(b"harmless"))

    assert artifact.blob is not None
    assert not artifact.is_quarantined
    assert _stored_bytes(artifact.blob) == _zipped(b"harmless")


def test_a_quarantined_file_is_served_by_no_way_there_is(writer: EvidenceWriter, tmp_path: Path) -> None:
    artifact = _kept(writer, SECRET.encode())
    call_command("runs", "artifacts", str(artifact.run_id), "--out", str(tmp_path / "out"))

    with pytest.raises(ArtifactMissingError, match="quarantined and served to nobody"):
        async_to_sync(artifact_answer)(artifact=artifact)
    zipped = b"".join(archive(artifacts=[artifact], documents={}))
    with zipfile.ZipFile(io.BytesIO(zipped)) as everything:
        assert everything.namelist() == [GAPS]
        assert b"It is quarantined" in everything.read(GAPS)
    assert list((tmp_path / "out").iterdir()) == []


def test_the_api_says_of_a_quarantined_file_why_it_has_no_content(writer: EvidenceWriter) -> None:
    artifact = _kept(writer, SECRET.encode())
    caller = api.Caller(api.key())

    told = caller.get(f"/artifacts/{artifact.pk}")
    content = caller.get(f"/artifacts/{artifact.pk}/content")

    assert told.json()["quarantined_at"] is not None
    assert (told.json()["sha256"], content.status_code) == (None, 404)
    assert "quarantined" in content.json()["detail"]


def test_the_console_says_that_a_file_is_quarantined_and_offers_no_download(writer: EvidenceWriter) -> None:
    artifact = _kept(writer, SECRET.encode())

    page = client_with("runs.view_artifact", "runs.view_run").get(f"/admin/artifacts/{artifact.pk}/view/")

    shown = page.content.decode()
    assert "This file is quarantined" in shown
    assert "download=1" not in shown


def test_a_quarantine_raises_one_alert_for_its_automation_and_customer(
    writer: EvidenceWriter, claim: Claim
) -> None:
    run = claim.attempt.run
    _kept(writer, SECRET.encode())

    alert = Alert.objects.open().get()
    assert alert.key == f"quarantine:{run.automation_id}:{run.customer_id}"
    assert "It holds a secret of its run." in alert.text
    assert SECRET not in f"{alert.title} {alert.text}"


def test_the_alert_about_a_quarantine_is_over_after_a_week_without_another(writer: EvidenceWriter) -> None:
    _kept(writer, SECRET.encode())

    assert close_what_is_over(now=database_now() + timedelta(days=6)) == 0
    assert close_what_is_over(now=database_now() + timedelta(days=8)) == 1


def test_a_result_that_holds_a_secret_is_quarantined_and_given_to_nobody(
    writer: EvidenceWriter, claim: Claim
) -> None:
    body = json.dumps({"note": SECRET}).encode()
    assert writer.holds_secret(body)
    item = Evidence(
        kind=ArtifactKind.RESULT,
        name="result.json",
        content_type="application/json",
        body=body,
        captured_at=utc_now(),
    )

    artifact = writer.keep_now(item, seconds=30)

    outcomes.finish_succeeded(claim=claim, result=None, result_artifact=artifact)
    with pytest.raises(NoResultError, match="quarantined"):
        result_of(run=Run.objects.get(pk=claim.attempt.run_id))
